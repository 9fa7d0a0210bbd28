// Forecast against static margins over time, with what then happened, and how often each margin held.
import { Card } from "../parts/card";
import { share, stamp } from "../parts/decimal";
import { Line, Num } from "../parts/num";
import { Plot } from "../parts/plot";
import { useAsked } from "../state/asked";
import { coin } from "../state/venue";

type Hour = {
  start: number;
  new_risk: string | null;
  open_positions: string | null;
  static_initial: string;
  static_maintenance: string;
  live_initial: string;
  move: string | null;
  is_replayed: boolean;
};
type Coverage = { hours: number; target: string; new_risk: string | null; open_positions: string | null; static_initial: string | null; static_maintenance: string | null };
type Past = { coin: string; mode: string; model: string; source: string; last_data: number | null; coverage: Coverage; present: Hour | null; hours: Hour[] };

const HELD: [keyof Coverage, string][] = [
  ["new_risk", "Forecast, new risk"],
  ["open_positions", "Forecast, open positions"],
  ["static_initial", "Static, initial"],
  ["static_maintenance", "Static, maintenance"],
];
const MODES: Record<string, string> = {
  off: "off: nothing is proposed",
  shadow: "shadow: proposals are shown, not sent",
  live: "live: proposals are sent to the engine",
};
const valueOf = (text: string | null): number | null => (text === null ? null : Number(text));

function Health({ of }: { of: Past }) {
  const past = of.coverage;
  return (
    <dl class="grid-lines roomy">
      <Line label="Mode">{MODES[of.mode] ?? of.mode}</Line>
      <Line label="Forecasts by" help={of.model}>
        {of.source === "static" ? "none yet: static rates" : of.source}
      </Line>
      <Line label="Last data" help="End of the newest bar that the model has taken">
        <span data-name="past-last-data">{of.last_data === null ? "none yet" : stamp(of.last_data)}</span>
      </Line>
      <Line label="Hours judged" help="An hour counts when margins were set before it and its move could be measured">
        <span data-name="past-hours" data-value={past.hours}>
          {past.hours.toLocaleString("en")}
        </span>
      </Line>
      {HELD.map(([field, label]) => (
        <Line key={field} label={`Held: ${label.toLowerCase()}`} help={`Share of the judged hours whose worst move stayed within it; forecasts aim at ${share(past.target, 1)}`}>
          <Num v={past[field] as string | null} as="share" d={2} name={`past-${field}`} />
        </Line>
      ))}
    </dl>
  );
}

function PastPlot({ of }: { of: Past }) {
  const all = of.present === null ? of.hours : [...of.hours, of.present];
  const series = (label: string, tone: string, pick: (hour: Hour) => string | null, stepped = true) => ({ label, tone, stepped, values: all.map((one) => valueOf(pick(one))) });
  return (
    <Plot
      key={of.coin}
      name={`Margins and realised moves of ${of.coin} by hour`}
      x={all.map((one) => one.start / 1_000)}
      time
      xLabel={(value) => stamp(value * 1_000).slice(0, 16)}
      yLabel={(value) => share(value.toFixed(6), 2)}
      series={[
        series("Forecast, new risk", "accent", (one) => one.new_risk),
        series("Forecast, open positions", "good", (one) => one.open_positions),
        series("Static, initial", "muted", (one) => one.static_initial),
        series("Static, maintenance", "warn", (one) => one.static_maintenance),
        { ...series("Worst move of the hour", "bad", (one) => one.move), fill: "bad-faint" },
      ]}
    />
  );
}

export function PastCard() {
  const { answer, error, isAbsent } = useAsked<Past>(`/risk/history/${coin.value}?limit=168`, 20_000);
  const told = answer.value;
  if (isAbsent.value) return null;
  const replayed = told?.hours.filter((one) => one.is_replayed).length ?? 0;
  return (
    <Card title={`Margins of ${coin.value} and what then happened`} note="by hour, a week at most; fractions of the price" wide>
      {error.value ? <p class="why bad">{error.value}</p> : null}
      {told ? <Health of={told} /> : null}
      {told && told.hours.length ? <PastPlot of={told} /> : null}
      {told && told.hours.length === 0 ? <p class="empty">No hour is over since this venue knows the market. Forecasts begin after twelve.</p> : null}
      {replayed ? <p class="why">{replayed} of these hours were counted from history when the venue was started, beside today's policy.</p> : null}
    </Card>
  );
}
