import { useMemo } from "react";
import { ErrorState } from "../../components/ErrorState.tsx";
import { Skeleton } from "../../components/Skeleton.tsx";
import type { ProofFiles } from "../../proof/files.ts";
import { type ProofDocument, proofDocumentFiles } from "../verify/bundleFiles.ts";
import { useServerTrust } from "../verify/useServerTrust.ts";
import { useVerification } from "../verify/useVerification.ts";
import { VerificationView } from "../verify/VerificationView.tsx";
import { Downloads } from "./Downloads.tsx";
import { useProof } from "./queries.ts";

interface Props {
  eventId: string;
  position: number | null;
}

/** An event's bundle, fetched, verified on this device, and there to take away. */
export function ProofPanel({ eventId, position }: Props) {
  const proof = useProof(eventId);
  if (proof.data) return <Verified document={proof.data} eventId={eventId} position={position} />;
  if (proof.isError) {
    return <ErrorState error={proof.error} what="the proof" retry={proof.refetch} />;
  }
  return <Skeleton lines={6} label="Fetching the proof" />;
}

function Verified({ document, eventId, position }: Props & { document: ProofDocument }) {
  const given = useMemo<ProofFiles>(() => proofDocumentFiles(document), [document]);
  const { files, fromServer, trust, loading } = useServerTrust(given);
  // Nothing here is a file that somebody sent: all of it is this server's, and is named so.
  const found = useVerification(files, { fromServer, own: true }, trust);
  if (loading) return <Skeleton lines={6} label="Fetching the log's keys" />;
  return (
    <div className="space-y-3">
      <VerificationView found={found} files={files} />
      <Downloads
        files={files}
        trust={trust}
        name={`${String(position ?? 0).padStart(6, "0")}-${eventId}`}
      />
      <p className="text-xs text-muted">
        Checked on this device. Keys and policy are this server's word: bring your own on the Verify
        page for a check that does not take it.
      </p>
    </div>
  );
}
