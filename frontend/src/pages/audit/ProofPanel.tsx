import { ErrorState } from "../../components/ErrorState.tsx";
import { Skeleton } from "../../components/Skeleton.tsx";
import { BundlePanel } from "./BundlePanel.tsx";
import { useProof } from "./queries.ts";

interface Props {
  eventId: string;
  position: number | null;
}

/** An event's bundle, fetched, verified on this device, and there to take away. */
export function ProofPanel({ eventId, position }: Props) {
  const proof = useProof(eventId);
  const name = `${String(position ?? 0).padStart(6, "0")}-${eventId}`;
  if (proof.data) return <BundlePanel document={proof.data} name={name} />;
  if (proof.isError) {
    return <ErrorState error={proof.error} what="the proof" retry={proof.refetch} />;
  }
  return <Skeleton lines={6} label="Fetching the proof" />;
}
