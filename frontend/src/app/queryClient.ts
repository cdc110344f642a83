import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { ApiError } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { markSignedIn } from "../api/signedIn.ts";

const TRIES = 2;

/** Where server state lives. An answer 401 anywhere means that the session is over. */
export function createQueryClient(): QueryClient {
  const onError = (error: Error) => {
    if (error instanceof ApiError && error.unauthenticated) {
      markSignedIn(null);
      client.setQueryData(keys.session, null);
    }
  };
  const client: QueryClient = new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      queries: { staleTime: 5000, retry: (count, error) => count < TRIES && worthwhile(error) },
    },
  });
  return client;
}

/** Whether the same request may succeed later: no answer, or a fault of the server's. */
function worthwhile(error: Error): boolean {
  return !(error instanceof ApiError) || error.status === 0 || error.status >= 500;
}
