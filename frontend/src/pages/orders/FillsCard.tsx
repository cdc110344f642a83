import { Link } from "react-router";
import type { Instruction, Trade } from "../../api/models.ts";
import { useOrderTrades } from "../../api/queries/orders.ts";
import { useInstructions } from "../../api/queries/settlements.ts";
import { Card } from "../../components/Card.tsx";
import { Loaded } from "../../components/Loaded.tsx";
import { Money, Quantity } from "../../components/Numbers.tsx";
import { type Column, Table } from "../../components/Table.tsx";
import { Time } from "../../components/Time.tsx";
import { stateWord } from "../settlements/words.ts";

/** The trades an order made, each with its settlement. */
export function FillsCard({ orderId, currency }: { orderId: string; currency: string }) {
  const instructions = useInstructions().data?.pages.flatMap((page) => page.items) ?? [];
  const byTrade = new Map(instructions.map((each) => [each.trade_id, each]));
  return (
    <Card title="Fills" flush>
      <Loaded query={useOrderTrades(orderId)} what="the fills" lines={2}>
        {({ items }) =>
          items.length === 0 ? (
            <p className="px-4 pb-4 text-muted">Nothing was filled.</p>
          ) : (
            <Table
              caption="Fills"
              columns={columns(byTrade, currency)}
              rows={items}
              rowKey={(row) => row.trade_id}
            />
          )
        }
      </Loaded>
    </Card>
  );
}

function columns(
  byTrade: ReadonlyMap<string, Instruction>,
  currency: string,
): readonly Column<Trade>[] {
  return [
    { key: "at", header: "Executed (UTC)", cell: (row) => <Time value={row.executed_at} /> },
    {
      key: "units",
      header: "Units",
      number: true,
      cell: (row) => <Quantity value={row.quantity} />,
    },
    {
      key: "price",
      header: "Price",
      number: true,
      from: "sm",
      cell: (row) => <Money value={row.price} />,
    },
    {
      key: "gross",
      header: "Gross",
      number: true,
      from: "sm",
      cell: (row) => <Money value={row.gross} currency={currency} />,
    },
    {
      key: "settlement",
      header: "Settlement",
      cell: (row) => <SettlementLink instruction={byTrade.get(row.trade_id)} />,
    },
  ];
}

function SettlementLink({ instruction }: { instruction: Instruction | undefined }) {
  if (instruction === undefined) {
    return (
      <Link className="link" to="/settlements">
        Settlements
      </Link>
    );
  }
  return (
    <Link className="link" to={`/settlements/${instruction.instruction_id}`}>
      {stateWord(instruction.settlement_state).word}
    </Link>
  );
}
