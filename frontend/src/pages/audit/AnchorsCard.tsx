import type { Anchor } from "../../api/models.ts";
import { useStatus } from "../../api/queries/platform.ts";
import { hasRole, useSession } from "../../api/queries/session.ts";
import { Button } from "../../components/Button.tsx";
import { Card } from "../../components/Card.tsx";
import { EmptyState } from "../../components/EmptyState.tsx";
import { ErrorState } from "../../components/ErrorState.tsx";
import { Hash } from "../../components/Hash.tsx";
import { Loaded } from "../../components/Loaded.tsx";
import { LoadMore } from "../../components/LoadMore.tsx";
import { StateWord } from "../../components/StateWord.tsx";
import { type Column, Table } from "../../components/Table.tsx";
import { toast } from "../../components/Toasts.tsx";
import { formatDecimal } from "../../format/decimal.ts";
import { anchorWord } from "./anchorWord.ts";
import { Ether } from "./Ether.tsx";
import { useAnchorNow, useAnchors } from "./queries.ts";

/** What of the log stands on the chain, and how far each anchor has come. */
export function AnchorsCard() {
  const anchors = useAnchors();
  const safe = useStatus().data?.chain.safe?.number ?? null;
  const session = useSession().data;
  return (
    <Card
      title="Anchors on chain"
      aside={hasRole(session, "operator", "auditor") ? <AnchorNow /> : null}
      flush
    >
      <Loaded query={anchors} what="the anchors">
        {({ pages }) => {
          const rows = pages.flatMap((page) => page.items);
          if (rows.length === 0) {
            return (
              <EmptyState title="Nothing is anchored yet">
                The first anchor follows soon.
              </EmptyState>
            );
          }
          return (
            <Table
              caption="Anchors, the newest first"
              columns={columnsFor(safe)}
              rows={rows}
              rowKey={(row) => String(row.size)}
            />
          );
        }}
      </Loaded>
      <LoadMore query={anchors} />
    </Card>
  );
}

function columnsFor(safe: number | null): Column<Anchor>[] {
  return [
    { key: "size", header: "Size", number: true, cell: (row) => count(row.size) },
    {
      key: "state",
      header: "State",
      cell: (row) => {
        const { word, tone } = anchorWord(row, safe);
        return <StateWord tone={tone}>{word}</StateWord>;
      },
    },
    {
      key: "block",
      header: "Block",
      number: true,
      cell: (row) => (row.block_number === null ? "–" : count(row.block_number)),
    },
    {
      key: "gas",
      header: "Gas",
      number: true,
      from: "md",
      cell: (row) => (row.gas_used === null ? "–" : count(row.gas_used)),
    },
    {
      key: "fee",
      header: "Fee",
      number: true,
      from: "md",
      cell: (row) => (row.fee_wei === null ? "–" : <Ether wei={row.fee_wei} />),
    },
    {
      key: "root",
      header: "Root",
      from: "lg",
      cell: (row) => <Hash value={row.root} label="root" />,
    },
    {
      key: "transaction",
      header: "Transaction",
      from: "sm",
      cell: (row) => <Hash value={row.transaction_hash} label="transaction hash" />,
    },
  ];
}

function AnchorNow() {
  const anchor = useAnchorNow();
  const ask = () =>
    anchor.mutate(undefined, {
      onSuccess: ({ size }) => toast(`The log will be anchored at size ${count(size)}.`),
    });
  return (
    <>
      <Button busy={anchor.isPending} onClick={ask}>
        Anchor now
      </Button>
      {anchor.isError ? <ErrorState error={anchor.error} what="the anchor" /> : null}
    </>
  );
}

const count = (value: number) => formatDecimal(String(value));
