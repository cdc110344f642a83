import { useMemo } from "react";
import { Skeleton } from "../../components/Skeleton.tsx";
import type { ProofFiles } from "../../proof/files.ts";
import type { Asked } from "../../proof/streamProof.ts";
import { type ProofDocument, proofDocumentFiles } from "../verify/bundleFiles.ts";
import { useServerTrust } from "../verify/useServerTrust.ts";
import { useVerification } from "../verify/useVerification.ts";
import { VerificationView } from "../verify/VerificationView.tsx";
import { Downloads } from "./Downloads.tsx";

interface Props {
  document: ProofDocument;
  /** Of the files to take away, without an ending. */
  name: string;
  /** The stream that it must be of, where one was asked for. */
  asked?: Asked;
}

/** A bundle that this server gave, verified on this device, and there to take away. */
export function BundlePanel({ document, name, asked }: Props) {
  const given = useMemo<ProofFiles>(() => proofDocumentFiles(document), [document]);
  const { files, fromServer, trust, loading } = useServerTrust(given);
  // Nothing here is a file that somebody sent: all of it is this server's, and is named so.
  const found = useVerification(files, { fromServer, own: true }, trust, asked);
  if (loading) return <Skeleton lines={6} label="Fetching the log's keys" />;
  return (
    <div className="space-y-3">
      <VerificationView found={found} files={files} />
      <Downloads files={files} trust={trust} name={name} />
      <p className="text-xs text-muted">
        Checked on this device. Keys and policy are this server's word: bring your own on the Verify
        page for a check that does not take it.
      </p>
    </div>
  );
}
