import { Link } from "react-router";
import { useNewestAnchors } from "../../api/queries/log.ts";
import { useStatus } from "../../api/queries/platform.ts";
import { Card } from "../../components/Card.tsx";
import { Facts } from "../../components/Facts.tsx";
import { Hash } from "../../components/Hash.tsx";
import { Loaded } from "../../components/Loaded.tsx";
import { StateWord } from "../../components/StateWord.tsx";
import { formatDecimal } from "../../format/decimal.ts";

/** Up to where the log stands on the chain. */
export function AnchorCard() {
  const log = useStatus().data?.log;
  return (
    <Card
      title="Last anchor"
      aside={
        <Link to="/audit" className="link text-xs">
          Audit log
        </Link>
      }
    >
      <Loaded query={useNewestAnchors()} what="the anchors" lines={2}>
        {({ items }) => {
          const last = items[0];
          if (last === undefined) return <p className="text-muted">Nothing is anchored yet.</p>;
          const waiting = log ? log.size - log.anchored_size : 0;
          return (
            <Facts
              items={[
                ["State", <AnchorState key="s" state={last.state} />],
                ["Events", formatDecimal(String(last.size))],
                [
                  "Block",
                  last.block_number === null ? "–" : formatDecimal(String(last.block_number)),
                ],
                ["Root", <Hash key="r" value={last.root} label="root" />],
                ["Behind", waiting === 0 ? "nothing" : `${formatDecimal(String(waiting))} events`],
              ]}
            />
          );
        }}
      </Loaded>
    </Card>
  );
}

/** The state of an anchor in a word. */
export function AnchorState({ state }: { state: string }) {
  const tone = state === "FINAL" ? "good" : state === "FAILED" ? "bad" : "neutral";
  return <StateWord tone={tone}>{state.charAt(0) + state.slice(1).toLowerCase()}</StateWord>;
}
