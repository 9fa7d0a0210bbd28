// Before and after: what the order in the ticket would do to the account, by the engine's own rule (what-if of /v1).
import { Num } from "../parts/num";
import { priceDecimals } from "../parts/decimal";
import { coin, market } from "../state/venue";
import type { Bucket, Outcome, Position } from "../wire/types";
import { mode, preview, previewError, units } from "./ticket_state";

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

/** Funding of the position after the order, an hour, at the rate of the last step; below 0: paid. */
function fundingHour(outcome: Outcome): string | null {
  const after = held(outcome);
  const rate = Number(market.value?.funding_rate ?? 0);
  if (after === null) return null;
  return (-(after.side === "long" ? 1 : -1) * Number(after.value) * rate).toFixed(6);
}

export function Preview() {
  if (previewError.value !== null) return <p class="why bad">{previewError.value}</p>;
  const told = preview.value;
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
          <tr>
            <th scope="row">Taker fee</th>
            <td />
            <td>
              <Num v={told.fee} d={4} name="fee" />
            </td>
          </tr>
          <tr>
            <th scope="row" title="At the rate of the last step; below 0: paid">
              Funding, 1h
            </th>
            <td />
            <td>
              <Num v={fundingHour(told.after)} d={4} tone />
            </td>
          </tr>
        </tbody>
      </table>
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
    </div>
  );
}
