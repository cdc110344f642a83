import type { ReactNode } from "react";
import type { Log } from "../../api/models.ts";
import { useConfig } from "../../api/queries/platform.ts";
import { Card } from "../../components/Card.tsx";
import { Facts } from "../../components/Facts.tsx";
import { Hash } from "../../components/Hash.tsx";
import { Loaded } from "../../components/Loaded.tsx";
import { StateWord } from "../../components/StateWord.tsx";
import { formatDecimal } from "../../format/decimal.ts";
import { checkHead } from "./checkHead.ts";
import { useLog } from "./queries.ts";

/** The head of the log, with its signature checked here. */
export function LogHeadCard() {
  const log = useLog();
  return (
    <Card title="Head of the log">
      <Loaded query={log} what="the log's head" lines={5}>
        {(head) => <Head head={head} />}
      </Loaded>
    </Card>
  );
}

function Head({ head }: { head: Log }) {
  const config = useConfig().data;
  const verdict = config ? checkHead(head, config.log_key) : null;
  return (
    <>
      <Facts
        items={[
          [
            "Log",
            <span key="o" className="break-all">
              {head.origin}
            </span>,
          ],
          ["Size", count(head.size)],
          ["Root", <Hash key="r" value={head.root} label="root" full />],
          [
            "Signature",
            verdict === null ? (
              "not checked yet"
            ) : (
              <span key="s" className="inline-flex flex-wrap items-center gap-x-2">
                <StateWord tone={verdict.ok ? "good" : "bad"}>
                  {verdict.ok ? "pass" : "fail"}
                </StateWord>
                <span className="text-muted">{verdict.detail}</span>
              </span>
            ),
          ],
          ["Anchored", `${count(head.anchored_size)} events, final on chain`],
          ...indexFacts(head.index),
        ]}
      />
      <details className="mt-3">
        <summary className="min-h-6">Signed checkpoint</summary>
        <pre className="mt-1 rounded bg-raised p-2 text-xs break-all whitespace-pre-wrap">
          {head.checkpoint}
        </pre>
      </details>
    </>
  );
}

/** What the log commits to of its streams: nothing before the first commitment. */
function indexFacts(index: Log["index"]): (readonly [string, ReactNode])[] {
  if (index === null) return [["Stream index", "not committed to yet"]];
  const { streams, size, position, root } = index;
  const where = position === null ? "not in the log yet" : `at entry ${count(position)}`;
  return [
    ["Stream index", `${count(streams)} streams over the first ${count(size)} entries, ${where}`],
    ["Index root", <Hash key="i" value={root} label="index root" full />],
  ];
}

const count = (value: number) => formatDecimal(String(value));
