// What came of a replay: figures side by side, plots, and a cursor through time.
import { signal } from "@preact/signals";
import { Card } from "../parts/card";
import { grouped, usd } from "../parts/decimal";
import { Plot, type Series } from "../parts/plot";
import { type Column, Table } from "../parts/table";
import { type Flow, type Replay, result, type RuleSet } from "./state";

type Figure = [key: string, name: string, unit: "count" | "usd" | "bps" | "s"];
const FIGURES: Figure[] = [
  ["liquidated_accounts", "Accounts liquidated", "count"],
  ["fully_closed_accounts", "Accounts closed in full", "count"],
  ["unnecessary_liquidations", "Unnecessary liquidations", "count"],
  ["liquidated_notional_usd", "Notional liquidated", "usd"],
  ["bad_debt_usd", "Bad debt", "usd"],
  ["insurance_used_usd", "Insurance used", "usd"],
  ["adl_notional_usd", "Auto-deleveraged", "usd"],
  ["impact_bps", "Impact of forced orders", "bps"],
  ["breach_to_flat_s", "Breach to flat", "s"],
  ["average_margin_usd", "Margin required, mean", "usd"],
];
const TONES = ["muted", "accent", "warn", "bad", "text", "good"];
const atEqual = signal(false);
const cursor = signal(1_000); // in thousandths of the day
const marketAt = signal(0);

function said(value: number | undefined, unit: Figure[2]): string {
  if (value === undefined) return "–";
  if (unit === "usd") return usd(value.toFixed(2), 0);
  if (unit === "bps") return `${value.toFixed(1)} bp`;
  return unit === "s" ? `${value.toFixed(0)} s` : grouped(String(value));
}

function Figures({ of }: { of: Replay }) {
  const rules = atEqual.value ? of.rules_at_equal_margin : of.rules;
  const columns: Column<Figure>[] = [
    { head: "Figure", of: ([, name]) => name },
    ...of.sets.map(({ rule, title }) => ({
      head: title,
      of: ([key, , unit]: Figure) => (
        <span data-figure={`${rule}-${key}`} data-value={rules[rule]?.[key]}>
          {said(rules[rule]?.[key], unit)}
        </span>
      ),
    })),
  ];
  return (
    <Card title="Figures" note={of.title} wide>
      <label class="check">
        <input type="checkbox" checked={atEqual.value} onChange={(event) => (atEqual.value = event.currentTarget.checked)} /> At equal margin: every rule
        set asks as much as the first
      </label>
      <Table label="Figures of the replay" name="figures" columns={columns} rows={FIGURES} keyOf={([key]) => key} />
      <p class="why hash">{of.command}</p>
    </Card>
  );
}

const flowOf = (one: RuleSet): Flow => (atEqual.value ? one.series_at_equal_margin : one.series);
const running = (values: number[]): number[] => {
  let total = 0;
  return values.map((value) => (total += value));
};

function cutAt<T>(values: T[], last: number): (T | null)[] {
  return values.map((value, at) => (at <= last ? value : null));
}

function perRule(of: Replay, last: number, pick: (flow: Flow) => number[]): Series[] {
  return of.sets.map((one, at) => ({ label: one.title, tone: TONES[at % TONES.length]!, values: cutAt(pick(flowOf(one)), last) }));
}

const closed = (flow: Flow): number[] => running(flow.longs_closed!.map((value, at) => value + flow.shorts_closed![at]!));
const PLOTS: [string, (flow: Flow) => number[]][] = [
  ["Notional liquidated so far, USD", closed],
  ["Auto-deleveraged so far, USD", (flow) => running(flow.adl!)],
  ["Insurance funds, USD", (flow) => flow.insurance!],
  ["Bad debt so far, USD", (flow) => flow.bad_debt!],
  ["Open interest, USD", (flow) => flow.open_interest!],
  ["Buckets that wait for liquidation", (flow) => flow.waiting!],
];

function priceSeries(of: Replay, last: number): Series[] {
  const at = Math.min(marketAt.value, of.markets.length - 1);
  const marks = of.sets.map((one, place) => ({ label: `Mark, ${one.title}`, tone: TONES[place % TONES.length]!, values: cutAt(one.markets[at]!.series.mark!, last) }));
  return [{ label: "Index", tone: "text", values: cutAt(of.world[at]!.series.index!, last) }, ...marks];
}

const clock = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace("T", " ");

function Scrub({ of, last }: { of: Replay; last: number }) {
  return (
    <div class="mover wide">
      <label class="select">
        <span class="hidden">Market of the price plot</span>
        <select value={marketAt.value} onChange={(event) => (marketAt.value = Number(event.currentTarget.value))}>
          {of.markets.map((one, at) => (
            <option key={one} value={at}>
              {one}
            </option>
          ))}
        </select>
      </label>
      <input
        type="range"
        min="0"
        max="1000"
        value={cursor.value}
        aria-label="Time of the replay"
        aria-valuetext={clock(of.axis.times_ms[last]!)}
        onInput={(event) => (cursor.value = Number(event.currentTarget.value))}
      />
      <output>{clock(of.axis.times_ms[last]!)} UTC</output>
    </div>
  );
}

export function Outcome() {
  const shown = result.value;
  if (shown === null) return null;
  const of = shown.replay;
  const times = of.axis.times_ms;
  const last = Math.round((cursor.value / 1_000) * (times.length - 1));
  const x = times.map((ms) => ms / 1_000);
  const plot = (name: string, series: Series[]) => (
    <Plot key={`${shown.id}-${name}-${marketAt.value}`} name={name} x={x} time series={series} xLabel={(value) => clock(value * 1_000)} yLabel={(value) => grouped(Number(value.toPrecision(6)).toString())} height={180} />
  );
  return (
    <>
      <Figures of={of} />
      <Card title="Through the day" note="drag the slider: plots end at that time" wide>
        <Scrub of={of} last={last} />
        <h3>{of.markets[Math.min(marketAt.value, of.markets.length - 1)]}: index and marks, USD</h3>
        {plot("Index and marks", priceSeries(of, last))}
      </Card>
      {PLOTS.map(([name, pick]) => (
        <Card key={name} title={name}>
          {plot(name, perRule(of, last, pick))}
        </Card>
      ))}
    </>
  );
}
