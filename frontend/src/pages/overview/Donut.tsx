import { arc, type PieArcDatum, pie } from "d3-shape";
import { shadeFill, shadeOf } from "./shades.ts";
import type { Part } from "./valuation.ts";

type Slice = Part & { name: string };

const OUTER = 50;
const draw = arc<PieArcDatum<Slice>>().innerRadius(31).outerRadius(OUTER).padAngle(0.02);
const layout = pie<Slice>()
  .sort(null)
  .value((part) => Math.max(0, Number(part.value)));

/** A ring of parts; the table beside it says the same. */
export function Donut({ parts }: { parts: readonly Slice[] }) {
  return (
    <svg viewBox="-50 -50 100 100" className="size-24 shrink-0" aria-hidden="true">
      {layout([...parts]).map((slice, index) => {
        const shade = slice.data.securityId === null ? null : index;
        return (
          <path
            key={slice.data.key}
            d={draw(slice) ?? ""}
            fill={shadeFill(shade)}
            fillOpacity={shadeOf(shade)}
          />
        );
      })}
    </svg>
  );
}
