import { lazy, type ReactNode, Suspense } from "react";
import { useSearchParams } from "react-router";
import type { Nav, Performance } from "../../api/models.ts";
import { useNav, usePerformance } from "../../api/queries/portfolio.ts";
import { Button } from "../../components/Button.tsx";
import { Card } from "../../components/Card.tsx";
import { Choice } from "../../components/Choice.tsx";
import { EmptyState } from "../../components/EmptyState.tsx";
import { Loaded } from "../../components/Loaded.tsx";
import { Money, Percent } from "../../components/Numbers.tsx";
import { formatDate } from "../../format/dates.ts";
import { minus, sum } from "../../format/decimal.ts";
import { NavFigure } from "./NavFigure.tsx";
import { daysOf, PERIODS, type Period, periodOf } from "./periods.ts";
import { whyNoMoneyWeighted, whyNoTimeWeighted } from "./reasons.ts";

// Asked for at once, not when the figures are there; without it they stand alone.
const chart = import("./NavChart.tsx").catch(() => ({ default: NoChart }));
const NavChart = lazy(() => chart);
const CHART_HEIGHT = "h-60";

/** Net asset value: the figure, its change, the returns and the curve. */
export function NavCard({ portfolioId }: { portfolioId: string }) {
  const [search, setSearch] = useSearchParams();
  const period = periodOf(search.get("period"));
  const choose = (next: Period) =>
    setSearch(
      (before) => {
        before.set("period", next);
        return before;
      },
      { replace: true, preventScrollReset: true },
    );
  return (
    <Card
      title="Net asset value"
      aside={<Choice label="Period" value={period} options={PERIODS} onChange={choose} />}
    >
      <Loaded query={useNav(portfolioId)} what="the net asset value" lines={8}>
        {(nav) =>
          nav.days.length === 0 ? (
            <EmptyState title="Nothing to value yet">
              The value begins with the first deposit.
            </EmptyState>
          ) : (
            <Figures portfolioId={portfolioId} nav={nav} period={period} />
          )
        }
      </Loaded>
    </Card>
  );
}

interface FiguresProps {
  portfolioId: string;
  nav: Nav;
  period: Period;
}

function Figures({ portfolioId, nav, period }: FiguresProps) {
  const range = daysOf(period, nav.days);
  const last = nav.days.at(-1);
  const performance = usePerformance(portfolioId, range.first);
  if (last === undefined) return null;
  return (
    <>
      <p className="text-3xl font-semibold tracking-tight">
        <Money value={last.value} currency={nav.currency} />
      </p>
      <p className="mb-3 text-muted">
        {formatDate(last.on)}
        {last.stale_days > 0 ? `, at closes up to ${last.stale_days} days old` : ""}
      </p>
      <dl className="mb-4 grid grid-cols-2 gap-x-4 gap-y-3 sm:grid-cols-4">
        <Day nav={nav} />
        <Returns
          performance={performance.data}
          failed={performance.isError}
          retry={performance.refetch}
          span={range.first === null ? "Since start" : `Since ${formatDate(range.first)}`}
        />
      </dl>
      <NavFigure days={range.days} currency={nav.currency}>
        <Suspense fallback={<div className={`${CHART_HEIGHT} rounded bg-raised`} />}>
          <NavChart days={range.days} className={CHART_HEIGHT} />
        </Suspense>
      </NavFigure>
    </>
  );
}

function Day({ nav }: { nav: Nav }) {
  const [before, last] = [nav.days.at(-2), nav.days.at(-1)];
  if (before === undefined || last === undefined) {
    return <Figure name="Day">from the second day on</Figure>;
  }
  // Money that came in or went out is no gain of the day.
  const gain = sum([minus(last.value, before.value), minus(last.outflow, last.inflow)]);
  return (
    <Figure name="Day">
      <Money value={gain} signed />
      {last.day_return === null ? null : (
        <div>
          <Percent value={last.day_return} signed />
        </div>
      )}
    </Figure>
  );
}

interface ReturnsProps {
  performance: Performance | undefined;
  failed: boolean;
  retry: () => unknown;
  span: string;
}

function Returns({ performance, failed, retry, span }: ReturnsProps) {
  if (performance === undefined) {
    const shown = failed ? "could not be loaded" : "…";
    const again = failed ? <Button onClick={() => void retry()}>Try again</Button> : null;
    return (
      <>
        <Figure name={span}>{shown}</Figure>
        <Figure name="Time-weighted">{shown}</Figure>
        <Figure name="Money-weighted">
          {shown} {again}
        </Figure>
      </>
    );
  }
  const { time_weighted: time, money_weighted: money } = performance;
  return (
    <>
      <Figure name={span}>
        <Money value={performance.gain} signed />
      </Figure>
      <Figure name="Time-weighted">
        {time === null ? <Reason>{whyNoTimeWeighted()}</Reason> : <Percent value={time} signed />}
      </Figure>
      <Figure name="Money-weighted">
        {money.period === null ? (
          <Reason>{whyNoMoneyWeighted(money.status)}</Reason>
        ) : (
          <>
            <Percent value={money.period} signed />
            {money.status === "multiple_roots" ? (
              <Reason>one of {String(money.roots.length)} solutions</Reason>
            ) : null}
          </>
        )}
      </Figure>
    </>
  );
}

function NoChart() {
  return (
    <p className="text-muted">The chart could not be loaded. Load the page again to see it.</p>
  );
}

function Figure({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="text-xs text-muted">{name}</dt>
      <dd className="font-medium">{children}</dd>
    </div>
  );
}

function Reason({ children }: { children: ReactNode }) {
  return <span className="block text-xs font-normal text-muted">{children}</span>;
}
