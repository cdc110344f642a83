import { useQuery } from "@tanstack/react-query";
import { Card } from "../../components/Card.tsx";
import { Hash } from "../../components/Hash.tsx";
import { fetchOfflineDigest, OFFLINE_VERIFIER } from "./offlineVerifier.ts";

/** The same verifier as one file, to keep and to open without this server. */
export function OfflineVerifier() {
  const digest = useQuery({
    queryKey: ["offline-verifier"],
    queryFn: fetchOfflineDigest,
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  return (
    <Card title="Without this server">
      <p>
        <a className="link" href={OFFLINE_VERIFIER} download="verify.html">
          Download verify.html
        </a>
        : this verifier as one file. It opens from disk and makes no connection.
      </p>
      {digest.data ? (
        <div className="mt-2">
          <span className="block text-xs text-muted">
            SHA-256 of the file, to compare with one from elsewhere
          </span>
          <Hash value={digest.data} label="SHA-256 of verify.html" full />
        </div>
      ) : null}
    </Card>
  );
}
