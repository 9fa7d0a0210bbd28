// Equity of a bucket against the three levels of its margin: where liquidation begins, where it ends, what new risk needs.
import { usd } from "../parts/decimal";
import type { Bucket } from "../wire/types";

const WIDTH = 600;
const MARKS: [keyof Bucket & ("maintenance" | "liquidation_end" | "initial"), string][] = [
  ["maintenance", "liquidated below"],
  ["liquidation_end", "stops at"],
  ["initial", "new risk above"],
];

export function Gauge({ of }: { of: Bucket }) {
  const equity = Number(of.equity);
  const levels = MARKS.map(([field, word]) => ({ field, word, at: Number(of[field]), text: of[field] }));
  const most = Math.max(Math.min(equity, 4 * Number(of.initial)), Number(of.initial), 1e-9) * 1.12;
  const x = (value: number): number => Math.max(0, Math.min(WIDTH, (WIDTH * value) / most));
  const tone = of.level === "free" ? "good" : of.level === "below_initial" ? "warn" : "bad";
  const said = levels.map((one) => `${one.word} ${usd(one.text)}`).join(", ");
  return (
    <figure class="gauge">
      <svg viewBox={`0 0 ${WIDTH} 22`} preserveAspectRatio="none" role="img" aria-label={`Equity ${usd(of.equity)} USD; ${said}`}>
        <rect class="ground" x="0" y="4" width={WIDTH} height="14" rx="2" />
        <rect class={`fill ${tone}`} x="0" y="4" width={x(equity)} height="14" rx="2" />
        {levels.map((one) => (
          <line key={one.field} class={one.field} x1={x(one.at)} x2={x(one.at)} y1="0" y2="22" />
        ))}
      </svg>
      <figcaption>
        {levels.map((one) => (
          <span key={one.field} class={one.field}>
            {one.word} <b>{usd(one.text)}</b>
          </span>
        ))}
      </figcaption>
    </figure>
  );
}
