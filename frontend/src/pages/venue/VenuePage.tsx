import { Link } from "react-router";
import { useLogHead } from "../../api/queries/log.ts";
import { useStatus } from "../../api/queries/platform.ts";
import { hasRole, useSession } from "../../api/queries/session.ts";
import { Card } from "../../components/Card.tsx";
import { Facts } from "../../components/Facts.tsx";
import { Hash } from "../../components/Hash.tsx";
import { Loaded } from "../../components/Loaded.tsx";
import { PageHeader } from "../../components/PageHeader.tsx";
import { Time } from "../../components/Time.tsx";
import { formatDecimal } from "../../format/decimal.ts";
import { AnchorCard } from "../overview/AnchorCard.tsx";
import { VenueSettlementsCard } from "../settlements/VenueSettlementsCard.tsx";
import { BreakersCard } from "./BreakersCard.tsx";

/** The venue for those who run it: what settles, what is stopped, how far the log is. */
export function VenuePage() {
  const session = useSession().data;
  return (
    <>
      <PageHeader title="Venue" lead={session?.name} />
      <div className="grid gap-4 lg:grid-cols-3">
        <div className="min-w-0 space-y-4 lg:col-span-2">
          <VenueSettlementsCard title="Settlements under way" openOnly />
          <BreakersCard mayChange={hasRole(session, "operator")} />
        </div>
        <div className="min-w-0 space-y-4">
          <ChainCard />
          <LogCard />
          <AnchorCard />
        </div>
      </div>
    </>
  );
}

function ChainCard() {
  return (
    <Card title="Chain">
      <Loaded query={useStatus()} what="the status" lines={2}>
        {({ chain }) =>
          chain.answering ? (
            <Facts
              items={[
                ["Head", block(chain.head?.number)],
                ["Safe", block(chain.safe?.number)],
                ["Final", block(chain.finalized?.number)],
                ["Head's time", <Time key="t" value={chain.head?.timestamp ?? null} />],
              ]}
            />
          ) : (
            <p className="text-bad">{chain.detail ?? "The node does not answer."}</p>
          )
        }
      </Loaded>
    </Card>
  );
}

function LogCard() {
  return (
    <Card
      title="Log"
      aside={
        <Link to="/audit" className="link text-xs">
          Audit log
        </Link>
      }
    >
      <Loaded query={useLogHead()} what="the log's head" lines={2}>
        {(log) => (
          <Facts
            items={[
              ["Origin", log.origin],
              ["Events", formatDecimal(String(log.size))],
              ["Anchored", formatDecimal(String(log.anchored_size))],
              ["Root", <Hash key="r" value={log.root} label="root" />],
            ]}
          />
        )}
      </Loaded>
    </Card>
  );
}

function block(number: number | undefined): string {
  return number === undefined ? "none yet" : `block ${formatDecimal(String(number))}`;
}
