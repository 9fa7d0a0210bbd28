// Numbers on a page: rounded for the eye, whole in the title and for whoever checks them.
import { grouped, rounded, share, usd } from "./decimal";

type Props = { v: string | null | undefined; d?: number; as?: "usd" | "share" | "plain"; sign?: boolean; tone?: boolean; name?: string; unit?: string };

/** `v` is decimal text of the API. `d`: decimals; `tone`: green above 0, red below; `name`: what it is, for tests. */
export function Num({ v, d = 2, as = "plain", sign, tone, name, unit }: Props) {
  if (v === null || v === undefined) {
    return (
      <span class="num none" data-name={name} aria-label="none">
        –
      </span>
    );
  }
  const isZero = /^-?0*\.?0*$/.test(v);
  const below = v.startsWith("-") && !isZero;
  const text = as === "share" ? share(v, d) : as === "usd" ? usd(v, d) : grouped(rounded(v, d));
  const colour = !tone || isZero ? "" : below ? " bad" : " good";
  return (
    <span class={`num${colour}`} data-value={v} data-name={name} title={unit ? `${v} ${unit}` : v}>
      {sign && !below && !isZero ? "+" : ""}
      {text}
    </span>
  );
}

/** A line of a list of figures: a word and a number, with what the word means on demand. */
export function Line({ label, help, children }: { label: string; help?: string; children: preact.ComponentChildren }) {
  return (
    <div class="line">
      <dt title={help} class={help ? "helped" : ""}>
        {label}
      </dt>
      <dd>{children}</dd>
    </div>
  );
}
