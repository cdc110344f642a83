import { useState } from "react";
import { Card } from "../../components/Card.tsx";
import { Choice } from "../../components/Choice.tsx";
import { Facts } from "../../components/Facts.tsx";
import { Address, Hash } from "../../components/Hash.tsx";
import { formatUnits, showMoment } from "../../wallet/sentence.ts";
import { sameAddress } from "../../wallet/trade.ts";
import type { Review } from "./review.ts";

type View = "summary" | "raw" | "hashes";

const VIEWS = [
  ["summary", "Summary"],
  ["raw", "Raw typed data"],
  ["hashes", "Hashes"],
] as const;

/** The sentence, and the same trade as figures, as raw typed data and as hashes. */
export function ReviewCard({ review, typedData }: { review: Review; typedData: unknown }) {
  const [view, setView] = useState<View>("summary");
  return (
    <Card title="Review before you sign">
      <p
        data-sentence
        className="rounded-md border border-line-strong bg-raised px-3 py-3 text-base leading-relaxed break-words"
      >
        {review.sentence}
      </p>
      <p className="mt-2 text-xs text-muted">
        Names and decimals of the tokens are this platform's word; compare the addresses.
      </p>
      <div className="my-3">
        <Choice label="How to show the trade" value={view} options={VIEWS} onChange={setView} />
      </div>
      {view === "summary" ? <Summary review={review} /> : null}
      {view === "raw" ? (
        <pre className="rounded bg-raised p-2 text-xs break-all whitespace-pre-wrap">
          {JSON.stringify(typedData, null, 2)}
        </pre>
      ) : null}
      {view === "hashes" ? <Hashes review={review} /> : null}
    </Card>
  );
}

function Summary({ review }: { review: Review }) {
  const { trade, domain, party } = review;
  const delivers = sameAddress(party, trade.seller);
  const asset = amount(review, trade.asset, trade.assetAmount);
  const cash = amount(review, trade.cash, trade.cashAmount);
  return (
    <Facts
      items={[
        [delivers ? "You deliver" : "You receive", asset],
        [delivers ? "You receive" : "You pay", cash],
        ["Counterparty", <Address key="c" value={delivers ? trade.buyer : trade.seller} full />],
        [
          "Trade number",
          <span key="n" className="break-all">
            {String(trade.id)}
          </span>,
        ],
        ["Valid from", showMoment(trade.validFrom)],
        ["Deadline", showMoment(trade.deadline)],
        ["Least delivery", leastDelivery(review)],
        ["Contract", <Address key="k" value={domain.contract} label="contract" full />],
        ["Signer", <Address key="s" value={party} label="signer" full />],
      ]}
    />
  );
}

function amount({ labels }: Review, token: string, units: bigint): string {
  const label = labels.find((each) => sameAddress(each.address, token));
  if (label === undefined) return `${units} smallest units of ${token}`;
  return `${formatUnits(units, label)} ${label.symbol}`;
}

function leastDelivery(review: Review): string {
  const { minAssetAmount, assetAmount, asset } = review.trade;
  const whole = minAssetAmount === assetAmount;
  return whole ? "all or nothing" : amount(review, asset, minAssetAmount);
}

function Hashes({ review: { hashes } }: { review: Review }) {
  return (
    <>
      <Facts
        items={[
          ["Digest", <Hash key="d" value={hashes.digest} label="digest" full />],
          [
            "Domain separator",
            <Hash key="s" value={hashes.domainSeparator} label="domain separator" full />,
          ],
          ["Struct hash", <Hash key="h" value={hashes.structHash} label="struct hash" full />],
        ]}
      />
      <p className="mt-2 text-xs text-muted">
        Computed on this device from the data that the wallet gets. A wallet that shows hashes must
        show these.
      </p>
    </>
  );
}
