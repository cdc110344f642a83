import {
  AreaSeries,
  ColorType,
  createChart,
  type IChartApi,
  type ISeriesApi,
} from "lightweight-charts";
import { useEffect, useRef } from "react";
import type { NavDay } from "../../api/models.ts";
import { useTheme } from "../../app/theme.ts";

interface Props {
  days: readonly NavDay[];
  className: string;
}

const AXIS = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** The curve of the net asset value. Hidden from screen readers: the figure has it in words. */
export default function NavChart({ days, className }: Props) {
  const element = useRef<HTMLDivElement>(null);
  const chart = useRef<{ api: IChartApi; series: ISeriesApi<"Area"> } | null>(null);
  const theme = useTheme();
  useEffect(() => {
    if (element.current === null) return;
    const api = createChart(element.current, OPTIONS);
    chart.current = { api, series: api.addSeries(AreaSeries, SERIES) };
    return () => {
      chart.current = null;
      api.remove();
    };
  }, []);
  useEffect(() => {
    // Numbers here are heights in pixels; amounts in text come from the strings.
    chart.current?.series.setData(days.map((day) => ({ time: day.on, value: Number(day.value) })));
    chart.current?.api.timeScale().fitContent();
  }, [days]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the theme changes what the tokens hold
  useEffect(() => {
    const colour = tokens();
    chart.current?.api.applyOptions({
      layout: { textColor: colour("--muted") },
      grid: { horzLines: { color: colour("--line") } },
      crosshair: {
        vertLine: { color: colour("--line-strong"), labelBackgroundColor: colour("--muted") },
        horzLine: { color: colour("--line-strong"), labelBackgroundColor: colour("--muted") },
      },
    });
    chart.current?.series.applyOptions({
      lineColor: colour("--accent"),
      topColor: `${colour("--accent")}2e`,
      bottomColor: `${colour("--accent")}00`,
    });
  }, [theme]);
  return <div ref={element} aria-hidden="true" className={className} />;
}

const OPTIONS = {
  autoSize: true,
  handleScroll: false,
  handleScale: false,
  layout: {
    background: { type: ColorType.Solid, color: "transparent" },
    fontFamily: "Inter, system-ui, sans-serif",
    fontSize: 11,
    // The logo is written by innerHTML, which Trusted Types refuse; the credit is in the footer.
    attributionLogo: false,
  },
  localization: { priceFormatter: (value: number) => AXIS.format(value) },
  grid: { vertLines: { visible: false } },
  rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.12, bottom: 0.08 } },
  timeScale: {
    borderVisible: false,
    enableConflation: true,
    // The default of 0.5 leaves out the oldest history where there is more than fits.
    minBarSpacing: 0.01,
    fixLeftEdge: true,
    fixRightEdge: true,
  },
} as const;

const SERIES = { lineWidth: 2, priceLineVisible: false, lastValueVisible: false } as const;

function tokens(): (name: string) => string {
  const styles = getComputedStyle(document.documentElement);
  return (name) => styles.getPropertyValue(name).trim();
}
