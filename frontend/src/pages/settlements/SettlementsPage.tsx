import { hasRole, useSession } from "../../api/queries/session.ts";
import { PageHeader } from "../../components/PageHeader.tsx";
import { InstructionsCard } from "./InstructionsCard.tsx";
import { VenueSettlementsCard } from "./VenueSettlementsCard.tsx";

/** All settlements: a party's own instructions, or the venue's processes. */
export default function SettlementsPage() {
  const party = hasRole(useSession().data, "investor", "trader");
  return (
    <>
      <PageHeader
        title="Settlements"
        lead={party ? "Your side of every trade, newest first." : "Every trade, newest first."}
      />
      {party ? <InstructionsCard /> : <VenueSettlementsCard />}
    </>
  );
}
