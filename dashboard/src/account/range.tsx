// A liquidity position: where the price stands in its range, what it is worth, what it has lost and earned, and what its
// owner may do with it. Every figure is the venue's.
import { useSignal } from "@preact/signals";
import { grouped, share, stamp, usd } from "../parts/decimal";
import { Line, Num } from "../parts/num";
import { Plot } from "../parts/plot";
import { useAsked } from "../state/asked";
import { tell } from "../state/told";
import { Field } from "../trade/ticket";
import { collectFees, decreaseLiquidity, moveRange, withdrawCollateral } from "../wire/actions";
import { session } from "../wire/session";
import type { Holding, Range, RangePast } from "../wire/types";

const WIDTH = 600;
const ROOM = 0.25; // of the range, on either side of the drawing
const EVERY_MS = 5_000;

function Drawing({ of, price }: { of: Range; price: string }) {
  const [low, high, now] = [Number(of.lower), Number(of.upper), Number(price)];
  const room = (high - low) * ROOM;
  const [first, last] = [Math.min(low - room, now), Math.max(high + room, now)];
  const x = (value: number): number => (WIDTH * (value - first)) / Math.max(last - first, 1e-9);
  const said = `Range ${grouped(of.lower)} to ${grouped(of.upper)}, price ${grouped(price)}`;
  return (
    <figure class="gauge range">
      <svg viewBox={`0 0 ${WIDTH} 22`} preserveAspectRatio="none" role="img" aria-label={said}>
        <rect class="ground" x="0" y="4" width={WIDTH} height="14" rx="2" />
        <rect class={`fill ${of.in_range ? "good" : "warn"}`} x={x(low)} y="4" width={x(high) - x(low)} height="14" />
        <line class="initial" x1={x(now)} x2={x(now)} y1="0" y2="22" />
      </svg>
      <figcaption>
        <span class="lower">
          from <b>{grouped(of.lower)}</b>
        </span>
        <span class="initial">
          price <b>{grouped(price)}</b>
        </span>
        <span class="lower">
          to <b>{grouped(of.upper)}</b>
        </span>
        {of.in_range ? null : <span class="liquidation_end">outside: it earns nothing</span>}
      </figcaption>
    </figure>
  );
}

const HELP: [keyof Range & string, string, string, number?][] = [
  ["fair_value", "Value", "Both tokens at the index, USD"],
  ["base", "Of it base", "In units of the coin", 4],
  ["quote", "Of it USD", ""],
  ["fees", "Fees to collect", "Earned and not collected: they count for nothing until then"],
  ["delta", "Delta", "USD gained for a relative move of 1, to first order: what a perp must hedge"],
  ["gamma", "Gamma", "Second derivative per relative move, USD: what a hedge does not cover"],
  ["held_instead", "Held instead", "What its tokens of when it came would be worth now"],
  ["impermanent_loss", "Impermanent loss", "Held instead, less value"],
];

function Past({ of, coin }: { of: RangePast; coin: string }) {
  return (
    <>
      <dl class="grid-lines">
        <Line label="Fees collected">
          <Num v={of.fees_collected} name={`collected-${of.token}`} />
        </Line>
        <Line label="Lost against holding" help="Since it came; each change of the position fixes what was lost until then">
          <Num v={of.lost} name={`lost-${of.token}`} />
        </Line>
        <Line label="Net of holding" help="Fees, collected or not, less what was lost">
          <Num v={of.net} tone />
        </Line>
        <Line label="Ahead between" help="Prices between which fees make up for the loss against holding">
          {of.break_even_lower === null && of.break_even_upper === null ? "–" : `${grouped(of.break_even_lower ?? "0")} and ${of.break_even_upper === null ? "∞" : grouped(of.break_even_upper)}`}
        </Line>
      </dl>
      {of.points.length > 1 ? (
        <Plot
          name={`Loss against holding and fees of position ${of.token}`}
          x={of.points.map((one) => one.time / 1000)}
          xLabel={(value) => stamp(value * 1000).slice(0, 16)}
          yLabel={(value) => usd(value.toFixed(2))}
          time
          height={160}
          series={[
            { label: "Lost against holding, USD", tone: "bad", fill: "bad-faint", values: of.points.map((one) => Number(one.lost)) },
            { label: "Fees collected, USD", tone: "good", values: of.points.map((one) => Number(one.fees)), stepped: true },
          ]}
        />
      ) : null}
      {of.advice ? (
        <p class="why" data-name={`advice-${of.token}`}>
          Advice: {grouped(of.advice.lower)} to {grouped(of.advice.upper)} holds the price with {share(of.advice.stay, 0)} for {of.advice.days} days at a volatility of{" "}
          {share(of.volatility_day, 1)} a day. There it would be worth {usd(of.advice.value)} USD, {usd(of.advice.left_over)} would stay beside it, and a perp of {of.advice.hedge} {coin} leaves no delta.
        </p>
      ) : null}
    </>
  );
}

function Forms({ asset, of, past }: { asset: number; of: Range; past: RangePast | null }) {
  const [part, lower, upper, error, sending] = [useSignal("0.5"), useSignal(""), useSignal(""), useSignal(""), useSignal(false)];
  const run = async (said: string, change: () => Promise<void>): Promise<void> => {
    if (sending.value) return;
    sending.value = true;
    error.value = "";
    try {
      await change();
      tell("good", said);
    } catch (refused) {
      error.value = (refused as Error).message;
    } finally {
      sending.value = false;
    }
  };
  const advise = (): void => {
    lower.value = past?.advice?.lower ?? "";
    upper.value = past?.advice?.upper ?? "";
  };
  return (
    <div class="range-forms">
      <button type="button" class="quiet small" disabled={sending.value} onClick={() => void run(`Fees of ${of.token} are collected`, () => collectFees(asset, of.token))}>
        Collect fees
      </button>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void run(`${part.value} of ${of.token} is taken out`, () => decreaseLiquidity(asset, of.token, part.value));
        }}
      >
        <Field label={`Part of ${of.token} to take out`} of={part} unit="of 1" />
        <button type="submit" class="quiet small" disabled={sending.value}>
          Take out
        </button>
      </form>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void run(`${of.token} is in its new range`, () => moveRange(asset, of.token, lower.value, upper.value));
        }}
      >
        <Field label={`New lower end of ${of.token}`} of={lower} unit="USD" />
        <Field label={`New upper end of ${of.token}`} of={upper} unit="USD" />
        {past?.advice ? (
          <button type="button" class="quiet small" onClick={advise}>
            As advised
          </button>
        ) : null}
        <button type="submit" class="quiet small" disabled={sending.value}>
          Move range
        </button>
      </form>
      <button type="button" class="quiet small" disabled={sending.value} onClick={() => void run(`${of.token} is on its way out`, () => withdrawCollateral(asset, { token: of.token }))}>
        Withdraw position
      </button>
      {error.value ? (
        <p class="why bad" role="alert" data-name={`range-error-${of.token}`}>
          {error.value}
        </p>
      ) : null}
      <p class="why">Nothing is swapped: what does not fit a new range stays as collateral. Your own key signs, never an agent's.</p>
    </div>
  );
}

export function RangePanel({ who, bucket, of, price }: { who: string; bucket: string; of: Holding; price: string }) {
  const range = of.range!;
  const past = useAsked<RangePast>(`/accounts/${who}/ranges/${of.asset}/${range.token}`, EVERY_MS).answer.value;
  return (
    <section class="range-panel" aria-label={`Position ${range.token}`} data-range={range.token}>
      <h3>
        {of.coin} pool, position {range.token} <small>{bucket}</small> {range.is_unwinding ? <span class="badge warn">being unwound</span> : null}
      </h3>
      <Drawing of={range} price={price} />
      <dl class="grid-lines">
        {HELP.map(([field, label, help, places]) => (
          <Line key={field} label={label} help={help}>
            <Num v={range[field] as string | null} d={places ?? 2} name={`${field}-${range.token}`} />
          </Line>
        ))}
      </dl>
      {past ? <Past of={past} coin={of.coin} /> : null}
      {session.value?.address === who ? <Forms asset={of.asset} of={range} past={past} /> : null}
    </section>
  );
}
