import { type QueryClient, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ApiError, api, unwrap } from "../client.ts";
import { keys } from "../keys.ts";
import type { Session } from "../models.ts";
import { markSignedIn, mayBeSignedIn } from "../signedIn.ts";

/** Who is signed in; null when nobody is. */
export function useSession() {
  return useQuery({ queryKey: keys.session, queryFn: fetchSession, staleTime: 0 });
}

async function fetchSession({ client }: { client: QueryClient }): Promise<Session | null> {
  if (!mayBeSignedIn()) return null;
  try {
    const found = await unwrap(api.GET("/api/v1/session"));
    const before = client.getQueryData<Session | null>(keys.session);
    if (before && before.participant_id !== found.participant_id) forgetPrivate(client);
    markSignedIn(found.participant_id);
    return found;
  } catch (error) {
    if (!(error instanceof ApiError && error.unauthenticated)) throw error;
    markSignedIn(null);
    return null;
  }
}

/** Signs in with an API token; the server answers with an HttpOnly cookie. */
export function useSignIn() {
  const known = useKnownSession();
  return useMutation({
    mutationFn: (token: string) => unwrap(api.POST("/api/v1/sessions", { body: { token } })),
    onSuccess: known,
  });
}

/** Signs in as one of the demonstration's participants; the route exists in development only. */
export function useDevelopmentSignIn() {
  const known = useKnownSession();
  return useMutation({
    mutationFn: (participantId: string) =>
      unwrap(api.POST("/api/v1/development/sessions", { body: { participant_id: participantId } })),
    onSuccess: known,
  });
}

/** Ends the session on the server, then begins anew: nothing that was read stays in the tab. */
export function useSignOut() {
  return useMutation({
    mutationFn: async () => {
      try {
        await unwrap(api.DELETE("/api/v1/session"));
      } catch (error) {
        // A session that has ended already is what was asked for.
        if (!(error instanceof ApiError && error.unauthenticated)) throw error;
      }
    },
    onSuccess: () => {
      markSignedIn(null);
      // The browser may keep the page as it stands, for its Back button.
      document.getElementById("root")?.setAttribute("hidden", "");
      location.assign("/sign-in");
    },
  });
}

function useKnownSession() {
  const client = useQueryClient();
  return (session: Session) => {
    forgetPrivate(client);
    markSignedIn(session.participant_id);
    client.setQueryData(keys.session, session);
  };
}

const PUBLIC: ReadonlySet<unknown> = new Set(["session", "config", "status", "log", "anchors"]);

/** What one person has read is not for the next one in the same tab. */
export function forgetPrivate(client: QueryClient): void {
  client.removeQueries({ predicate: (query) => !PUBLIC.has(query.queryKey[0]) });
}

/** Whether the session holds one of the roles. */
export function hasRole(session: Session | null | undefined, ...roles: string[]): boolean {
  return roles.some((role) => session?.roles.includes(role));
}
