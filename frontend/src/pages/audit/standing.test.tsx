import { cleanup, configure, screen } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Log } from "../../api/models.ts";
import { show } from "../../testing/render.tsx";
import { problem, serve } from "../../testing/server.ts";
import AuditGuidePage from "./AuditGuidePage.tsx";
import { ALL_TOPICS } from "./auditTopics.ts";
import { formatEther, formatWei } from "./ether.ts";
import { AnchoringCard, SelfAuditCard } from "./StandingCards.tsx";
import { auditWords, deferralWords, findingGuide, lagWords, waitingWords } from "./standing.ts";

// A loaded machine may take seconds; nothing is measured here.
configure({ asyncUtilTimeout: 20_000 });
vi.setConfig({ testTimeout: 60_000 });

const anchoring: Log["anchoring"] = {
  unanchored_entries: 0,
  oldest_unanchored_seconds: null,
  lagging: false,
  deferred: null,
  fees_24h_wei: "0",
  fees_total_wei: "0",
};
const CHECKED = "2026-11-20T10:00:00Z";
const NOW = Date.parse(CHECKED) + 30_000;
const audit = { size: 1201, findings: [], checked_at: CHECKED };
const finding = {
  check: "feed",
  where: "position 3",
  message: "the feed has another entry than the published log",
  found_at: "2026-11-20T09:59:00Z",
};

const serving = (changes: Partial<Log>) =>
  serve({
    "GET /api/v1/log": () => ({ anchoring, audit: null, checkpoint_at: CHECKED, ...changes }),
  });
const text = () => document.body.textContent ?? "";

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

describe("an amount of wei", () => {
  it.each([
    ["0", "0 ETH"],
    ["1", "under 0.000000001 ETH"],
    ["999999999", "under 0.000000001 ETH"],
    ["1000000000", "0.000000001 ETH"],
    ["123456789012345678", "0.123456789 ETH"],
    ["10000000000000000000", "10 ETH"],
    ["1234500000000000000000", "1,234.5 ETH"],
  ])("%s is %s", (wei, shown) => {
    expect(formatEther(wei)).toBe(shown);
  });

  it("is exact in wei, whatever its length", () => {
    expect(formatWei("123456789012345678901")).toBe("123,456,789,012,345,678,901 wei");
  });
});

describe("what waits for the chain", () => {
  it("is nothing, or entries with the age of the oldest", () => {
    expect(waitingWords(anchoring)).toBe("nothing");
    expect(
      waitingWords({ ...anchoring, unanchored_entries: 1200, oldest_unanchored_seconds: 3725 }),
    ).toBe("1,200 entries, the oldest for 1 h 2 min");
    expect(
      waitingWords({ ...anchoring, unanchored_entries: 1, oldest_unanchored_seconds: 0 }),
    ).toBe("1 entry, the oldest for 0 s");
  });

  it("is not called late where the entries are about anchors themselves", () => {
    expect(waitingWords({ ...anchoring, unanchored_entries: 4 })).toContain("start no anchor");
  });

  it("lags when the platform says so", () => {
    expect(lagWords(anchoring).tone).toBe("good");
    expect(lagWords({ ...anchoring, lagging: true })).toMatchObject({ word: "lagging" });
  });

  it("is deferred with the reason in words; an unknown one as it came", () => {
    expect(deferralWords(anchoring).word).toBe("no");
    const because = (deferred: string) => deferralWords({ ...anchoring, deferred }).detail;
    expect(because("fee-cap")).toContain("gas");
    expect(because("daily-budget")).toContain("24 hours");
    expect(because("moon")).toBe("moon");
  });
});

describe("the platform's own audit", () => {
  it("says up to where nothing is wrong, and when it looked", () => {
    const { tone, detail } = auditWords(audit, NOW);
    expect(tone).toBe("good");
    expect(detail).toBe(
      "Entries 0 to 1,200 checked again at 20 Nov 2026, 10:00:00 UTC: nothing wrong.",
    );
  });

  it("is not called in order when the last round is old, or saw no entry", () => {
    expect(auditWords(audit, NOW + 3_600_000)).toMatchObject({ word: "late", tone: "warn" });
    expect(auditWords({ ...audit, size: 0 }, NOW)).toMatchObject({ word: "empty" });
  });

  it("counts what is wrong, also when the round is old", () => {
    for (const now of [NOW, NOW + 3_600_000]) {
      const said = auditWords({ ...audit, findings: [finding] }, now);
      expect(said).toMatchObject({ word: "wrong", tone: "bad" });
      expect(said.detail).toContain("1 thing is wrong");
    }
    expect(auditWords({ ...audit, size: 0, findings: [finding, finding] }, NOW).detail).toMatch(
      /2 things are wrong\.$/,
    );
  });

  it("leads from every check to a place that the guide has", () => {
    show(<AuditGuidePage />);
    for (const check of ["feed", "sequencer", "publication", "unknown key", "log", "signature"]) {
      const id = findingGuide(check).split("#")[1] ?? "";
      expect(document.getElementById(id), check).not.toBeNull();
    }
    expect(new Set(ALL_TOPICS.map(({ id }) => id)).size).toBe(ALL_TOPICS.length);
  });
});

describe("the cards", () => {
  it("show cost in ether with the wei in the title", async () => {
    const fees = { fees_24h_wei: "42000000000000", fees_total_wei: "1000000000000000001" };
    serving({ anchoring: { ...anchoring, ...fees } });
    show(<AnchoringCard />);
    expect((await screen.findByText("0.000042 ETH")).title).toBe("42,000,000,000,000 wei");
    expect(screen.getByText("1 ETH").title).toBe("1,000,000,000,000,000,001 wei");
  });

  it("name each finding with its place and the way to the guide", async () => {
    serving({ audit: { ...audit, findings: [finding] } });
    show(<SelfAuditCard />);
    await screen.findByText("The database and the published log differ");
    expect(text()).toContain("At position 3: the feed has another entry");
    const way = screen.getByRole("link", { name: "What to do" });
    expect(way.getAttribute("href")).toBe("/audit/guide#feed");
  });

  it("say that no round has ended, before the first", async () => {
    serving({});
    show(<SelfAuditCard />);
    expect(await screen.findByText("Not checked yet")).toBeTruthy();
  });

  it("say what failed when the server does not answer", async () => {
    serve({ "GET /api/v1/log": () => problem(503, { code: "overloaded", title: "Overloaded" }) });
    show(<AnchoringCard />);
    expect((await screen.findByRole("alert")).textContent).toContain("lag and cost");
  });
});
