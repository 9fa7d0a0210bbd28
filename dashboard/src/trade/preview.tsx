// Before and after: what the order in the ticket would do to the account, by the engine's own rule (what-if of /v1), and
// how likely a liquidation is before and after it (foresight of /v1).
import { Num } from "../parts/num";
import { priceDecimals } from "../parts/decimal";
import { coin, market } from "../state/venue";
import type { AccountChance, Bucket, Chances, ForesightAfter, FundingAhead, Outcome, Position, WhatIf } from "../wire/types";
import { mode, preview, units } from "./ticket_state";

type Row = { label: string; help: string; of: (outcome: Outcome) => string | null; as?: "usd" | "share"; d?: number; name: string };

function held(outcome: Outcome): Position | null {
  return outcome.positions.find((one) => one.coin === coin.value) ?? null;
}

function bucket(outcome: Outcome): Bucket | null {
  const name = held(outcome)?.bucket ?? (mode.value === "cross" ? "cross" : "");
  return outcome.buckets.find((one) => one.bucket === name) ?? null;
}

const crossOf = (outcome: Outcome): Bucket | null => outcome.buckets.find((one) => one.bucket === "cross") ?? null;

function rows(): Row[] {
  const here = market.value!;
  const places = priceDecimals(Number(here.mark ?? 1), here.size_decimals);
  return [
    { label: "Liquidation price", name: "liquidation_price", help: "The mark at which the bucket is liquidated if nothing else moves", of: (one) => held(one)?.liquidation_price ?? null, d: places },
    { label: "Margin used", name: "used", help: "Margin that positions and resting orders tie up", of: (one) => bucket(one)?.used ?? null },
    { label: "Equity", name: "equity", help: "Value at mark of the bucket that holds the position", of: (one) => bucket(one)?.equity ?? null },
    { label: "Free, cross", name: "free", help: "What new risk may use", of: (one) => crossOf(one)?.free ?? null },
    { label: "Maintenance", name: "maintenance", help: "Equity below which liquidation begins", of: (one) => bucket(one)?.maintenance ?? null },
    { label: "Margin ratio", name: "margin_ratio", help: "Maintenance over equity: liquidation begins above 100 %", of: (one) => bucket(one)?.margin_ratio ?? null, as: "share" },
    { label: "Position value", name: "value", help: "Size times mark", of: (one) => held(one)?.value ?? null },
  ];
}

/** Rows that are counted on paths, and so come a moment later. */
const CHANCES: [keyof Chances, string][] = [
  ["hour_1", "1h"],
  ["hours_8", "8h"],
  ["hours_24", "24h"],
];
const FUNDING: [keyof FundingAhead, string][] = [
  ["hour_1", "1h"],
  ["hours_8", "8h"],
  ["hours_24", "24h"],
];

/** Of the bucket that holds the position; 0 where it holds none. */
function chanceOf(account: AccountChance, outcome: Outcome, hours: keyof Chances): string {
  const name = bucket(outcome)?.bucket;
  return account.buckets.find((one) => one.bucket === name)?.probabilities[hours] ?? "0.0";
}

function ChanceRows({ told, counted }: { told: WhatIf; counted: ForesightAfter | null }) {
  const cell = (which: "before" | "after", hours: keyof Chances) =>
    counted === null ? <span class="muted">{preview.isCounting.value ? "…" : "–"}</span> : <Num v={chanceOf(counted[which], told[which], hours)} as="share" name={`${which}-${hours}`} />;
  return (
    <>
      {CHANCES.map(([hours, word]) => (
        <tr key={hours}>
          <th scope="row" title={`Share of paths on which the bucket is liquidated within ${word}${counted ? `: ${counted.basis}` : ""}`}>
            Liquidated, {word}
          </th>
          <td>{cell("before", hours)}</td>
          <td>{cell("after", hours)}</td>
        </tr>
      ))}
    </>
  );
}

function FundingRows({ told }: { told: WhatIf }) {
  const value = (outcome: Outcome, hours: keyof FundingAhead) => held(outcome)?.funding_ahead[hours] ?? null;
  return (
    <>
      {FUNDING.map(([hours, word]) => (
        <tr key={hours}>
          <th scope="row" title={`To come at the rate predicted now, ${market.value?.funding_predicted ?? "0"} an hour; below 0: paid`}>
            Funding, {word}
          </th>
          <td>
            <Num v={value(told.before, hours)} d={4} tone />
          </td>
          <td>
            <Num v={value(told.after, hours)} d={4} tone name={`funding-${hours}`} />
          </td>
        </tr>
      ))}
    </>
  );
}

export function Preview() {
  const [told, error] = [preview.told.value, preview.error.value];
  if (error !== null) return <p class="why bad">{error.code === "unknown_account" ? "Get play money first: the account has nothing yet." : error.message}</p>;
  if (told === null) return <p class="why">{units.value === null ? "Enter a size to see what the order would do." : "Connect to see what it would do."}</p>;
  return (
    <div class="preview" data-name="preview">
      <table>
        <thead>
          <tr>
            <th scope="col">If filled</th>
            <th scope="col">Now</th>
            <th scope="col">After</th>
          </tr>
        </thead>
        <tbody>
          {rows().map((row) => (
            <tr key={row.name}>
              <th scope="row" title={row.help}>
                {row.label}
              </th>
              <td>
                <Num v={row.of(told.before)} as={row.as} d={row.d ?? 2} />
              </td>
              <td>
                <Num v={row.of(told.after)} as={row.as} d={row.d ?? 2} name={`after-${row.name}`} />
              </td>
            </tr>
          ))}
          <ChanceRows told={told} counted={preview.chances.value} />
          <tr>
            <th scope="row">Taker fee</th>
            <td />
            <td>
              <Num v={told.fee} d={4} name="fee" />
            </td>
          </tr>
          <FundingRows told={told} />
        </tbody>
      </table>
      <Verdict told={told} />
    </div>
  );
}

/** Why it would be refused, and what may stand in the way besides. */
export function Verdict({ told }: { told: WhatIf }) {
  return (
    <>
      {told.is_accepted === false ? (
        <ul class="reasons">
          {told.reasons.map((one) => (
            <li key={one}>{one}</li>
          ))}
        </ul>
      ) : null}
      {told.warnings.map((one) => (
        <p key={one} class="why">
          {one}
        </p>
      ))}
    </>
  );
}
