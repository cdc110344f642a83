import { useParams } from "react-router";
import { hasRole, useSession } from "../../api/queries/session.ts";
import { useInstruction, useTimeline } from "../../api/queries/settlements.ts";
import { Loaded } from "../../components/Loaded.tsx";
import { PageHeader } from "../../components/PageHeader.tsx";
import { type OwnSide, SettlementView } from "./SettlementView.tsx";
import { needsSignature } from "./words.ts";

/** One settlement: a party's by its instruction, the venue's by its trade. */
export default function SettlementPage() {
  const { id = "" } = useParams();
  const session = useSession().data;
  return hasRole(session, "investor", "trader") ? (
    <OfParty id={id} />
  ) : (
    <Followed kind="venue" id={id} side={null} />
  );
}

function OfParty({ id }: { id: string }) {
  const instruction = useInstruction(id).data?.instruction ?? null;
  return (
    <Followed
      kind="party"
      id={id}
      side={
        instruction === null
          ? null
          : {
              direction: instruction.direction === "DELI" ? "deliver" : "receive",
              signAt: needsSignature(instruction) ? `/sign/${id}` : null,
              orderId: instruction.order_id,
            }
      }
    />
  );
}

interface Props {
  kind: "party" | "venue";
  id: string;
  side: OwnSide | null;
}

function Followed({ kind, id, side }: Props) {
  const query = useTimeline(kind, id);
  return (
    <>
      {query.data ? null : <PageHeader title="Settlement" />}
      <Loaded query={query} what="the settlement" lines={10}>
        {(found) => <SettlementView settlement={found} side={side} />}
      </Loaded>
    </>
  );
}
