import { PageHeader } from "../../components/PageHeader.tsx";
import { AnchorsCard } from "./AnchorsCard.tsx";
import { EventsCard } from "./EventsCard.tsx";
import { LogHeadCard } from "./LogHeadCard.tsx";
import { AnchoringCard, SelfAuditCard } from "./StandingCards.tsx";
import { KeysCard, WitnessesCard } from "./TrustCard.tsx";

/** The log: its signed head, what of it stands on chain, and one's own events with their proofs. */
export default function AuditPage() {
  return (
    <>
      <PageHeader
        title="Log"
        lead="Every event is signed, stands in one Merkle tree, and is anchored on chain."
      />
      <div className="grid gap-4 2xl:grid-cols-[2fr_3fr]">
        <LogHeadCard />
        <AnchorsCard />
        <AnchoringCard />
        <SelfAuditCard />
        <WitnessesCard />
        <KeysCard />
        <div className="min-w-0 2xl:col-span-2">
          <EventsCard />
        </div>
      </div>
    </>
  );
}
