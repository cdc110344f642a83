import { Link } from "react-router";
import type { Log } from "../../api/models.ts";
import { Card } from "../../components/Card.tsx";
import { EmptyState } from "../../components/EmptyState.tsx";
import { Facts } from "../../components/Facts.tsx";
import { Loaded } from "../../components/Loaded.tsx";
import { StateWord } from "../../components/StateWord.tsx";
import { Time } from "../../components/Time.tsx";
import { Ether } from "./Ether.tsx";
import { useLog } from "./queries.ts";
import {
  auditWords,
  deferralWords,
  findingGuide,
  findingTitle,
  lagWords,
  type Said,
  waitingWords,
} from "./standing.ts";

type Audit = Log["audit"];
type Finding = NonNullable<Audit>["findings"][number];

/** How far the chain is behind the log, and what its anchors cost. */
export function AnchoringCard() {
  return (
    <Card title="Lag and cost">
      <Loaded query={useLog()} what="lag and cost" lines={5}>
        {({ anchoring, checkpoint_at }) => (
          <Facts
            items={[
              ["Signed", <Time key="h" value={checkpoint_at} />],
              ["Waits", waitingWords(anchoring)],
              ["Lag", <Words key="l" said={lagWords(anchoring)} />],
              ["Deferred", <Words key="d" said={deferralWords(anchoring)} />],
              ["Cost in 24 h", <Ether key="c" wei={anchoring.fees_24h_wei} />],
              ["Cost in all", <Ether key="a" wei={anchoring.fees_total_wei} />],
            ]}
          />
        )}
      </Loaded>
    </Card>
  );
}

/** What the platform found when it checked its own log again. */
export function SelfAuditCard() {
  return (
    <Card
      title="The platform's own audit"
      aside={
        <Link to="/audit/guide" className="link text-xs">
          What it checks
        </Link>
      }
    >
      <Loaded query={useLog()} what="the platform's own audit">
        {({ audit }) => <SelfAudit audit={audit} />}
      </Loaded>
    </Card>
  );
}

function SelfAudit({ audit }: { audit: Audit }) {
  if (audit === null) {
    return <EmptyState title="Not checked yet">The first round has not ended.</EmptyState>;
  }
  return (
    <>
      <Words said={auditWords(audit, Date.now())} />
      {audit.findings.length === 0 ? null : (
        <ul className="mt-3 space-y-3">
          {audit.findings.map((finding) => (
            <Found key={finding.check} finding={finding} />
          ))}
        </ul>
      )}
    </>
  );
}

function Found({ finding }: { finding: Finding }) {
  const { check, where, message, found_at } = finding;
  return (
    <li className="rounded-md border border-bad/40 bg-bad-soft px-3 py-2">
      <p className="font-medium text-bad">{findingTitle(check)}</p>
      <p className="break-words">
        At {where}: {message}.
      </p>
      <p className="mt-1 flex flex-wrap gap-x-3 text-xs">
        {found_at === null ? null : (
          <span>
            Found <Time value={found_at} />
          </span>
        )}
        <Link className="link" to={findingGuide(check)}>
          What to do
        </Link>
      </p>
    </li>
  );
}

function Words({ said }: { said: Said }) {
  return (
    <span className="inline-flex flex-wrap items-center gap-x-2 gap-y-1">
      <StateWord tone={said.tone}>{said.word}</StateWord>
      <span className="min-w-0 break-words">{said.detail}</span>
    </span>
  );
}
