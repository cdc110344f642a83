import { useQuery } from "@tanstack/react-query";
import { Card } from "../../components/Card.tsx";
import { EmptyState } from "../../components/EmptyState.tsx";
import { Hash } from "../../components/Hash.tsx";
import { Loaded } from "../../components/Loaded.tsx";
import { StateWord } from "../../components/StateWord.tsx";
import { type Column, Table } from "../../components/Table.tsx";
import { Time } from "../../components/Time.tsx";
import { formatTime } from "../../format/dates.ts";
import { formatDecimal } from "../../format/decimal.ts";
import { fetchServerInputs } from "../verify/serverInputs.ts";
import { type Cosigner, readCosigners } from "./cosigners.ts";
import { type ListedKey, readKeyList } from "./keyList.ts";
import { useLog } from "./queries.ts";

const EMPTY = new Uint8Array();

/** The log's policy and keys as this server gives them. */
function useInputs() {
  return useQuery({
    queryKey: ["log-inputs"],
    queryFn: fetchServerInputs,
    staleTime: 60_000,
    retry: false,
  });
}

/** Who cosigned the head of the log, of those that the log's policy names. */
export function WitnessesCard() {
  const inputs = useInputs();
  const log = useLog();
  return (
    <Card title="Witnesses" flush>
      <Loaded query={inputs} what="the log's policy">
        {({ policy }) => (
          <Loaded query={log} what="the log's head">
            {({ checkpoint }) => <Witnesses checkpoint={checkpoint} policy={policy ?? EMPTY} />}
          </Loaded>
        )}
      </Loaded>
    </Card>
  );
}

function Witnesses({ checkpoint, policy }: { checkpoint: string; policy: Uint8Array }) {
  const found = readCosigners(checkpoint, policy);
  if (found === null) {
    return <EmptyState title="Cannot be read">The policy or the head has another form.</EmptyState>;
  }
  if (found.witnesses.length === 0) {
    return (
      <EmptyState title="No witness is named">
        The log's own policy asks for none: the chain is what keeps it to one history.
      </EmptyState>
    );
  }
  return (
    <>
      <p className="px-4 pb-2">
        {found.met === null ? "The policy asks for no quorum." : null}
        {found.met === true ? "The quorum of the policy signed this head." : null}
        {found.met === false ? "The quorum of the policy did not sign this head." : null}
        {found.newest === null ? null : ` Cosigned last ${formatTime(found.newest)} UTC.`}
      </p>
      <Table
        caption="Witnesses of the policy"
        columns={WITNESS_COLUMNS}
        rows={found.witnesses}
        rowKey={(row) => row.name}
      />
    </>
  );
}

const WITNESS_COLUMNS: Column<Cosigner>[] = [
  {
    key: "name",
    header: "Witness",
    cell: (row) => <span className="break-all">{row.name}</span>,
  },
  {
    key: "state",
    header: "This head",
    cell: (row) => (
      <StateWord tone={row.signedAt === null ? "warn" : "good"}>
        {row.signedAt === null ? "not signed" : "cosigned"}
      </StateWord>
    ),
  },
  { key: "time", header: "By its clock", from: "sm", cell: (row) => <Time value={row.signedAt} /> },
];

/** The keys that sign events, each with the entries it may sign. */
export function KeysCard() {
  const inputs = useInputs();
  return (
    <Card title="Event keys" flush>
      <Loaded query={inputs} what="the event keys">
        {({ keys, policy }) => {
          const list = readKeyList(keys ?? EMPTY, policy ?? EMPTY);
          return (
            <>
              <p className="px-4 pb-2">
                {list.refused === null
                  ? "The list is signed by the log key, checked on this device."
                  : `The list is not to be believed: ${list.refused}.`}
              </p>
              <Table
                caption="Event keys and the entries they may sign"
                columns={KEY_COLUMNS}
                rows={list.keys}
                rowKey={(row) => row.keyId}
              />
            </>
          );
        }}
      </Loaded>
    </Card>
  );
}

const KEY_COLUMNS: Column<ListedKey>[] = [
  { key: "id", header: "Key", cell: (row) => <Hash value={row.keyId} label="key id" /> },
  {
    key: "state",
    header: "State",
    cell: (row) => (
      <StateWord tone={row.last === null ? "good" : "neutral"}>
        {row.last === null ? "in use" : "retired"}
      </StateWord>
    ),
  },
  { key: "first", header: "From entry", number: true, cell: (row) => formatDecimal(row.first) },
  {
    key: "last",
    header: "To entry",
    number: true,
    cell: (row) => (row.last === null ? "–" : formatDecimal(row.last)),
  },
];
