// The risk engine: what it sees of each market, what it wants and why, what it proposed, and what the venue stands to lose.
import { Card } from "../parts/card";
import { clock, grouped, stamp } from "../parts/decimal";
import { Line, Num } from "../parts/num";
import { type Column, Table } from "../parts/table";
import { useAsked } from "../state/asked";

type Signs = { range: string | null; depth_lost: string | null; open_interest_lost: string | null; gap: string | null; liquidated: string | null };
type MarketRisk = {
  coin: string;
  state: string;
  breaker: string;
  stress: string;
  signs: Signs;
  new_risk: string | null;
  maintenance: string | null;
  volatility: string;
  depth: string;
  model: string;
  source: string;
  last_data: number | null;
  hours: number;
  coverage: string | null;
  reasons: string[];
};
type Risk = { mode: string; age_ms: number | null; took_ms: number; is_silent: boolean; signers: string[]; signers_needed: number; markets: MarketRisk[] };
type Proposal = { time: number; coin: string; parameter: string; value: string; before: string; outcome: string; reasons: string[] };
type Scenario = { name: string; total: string; cover: string; groups: { address: string; loss: string }[] };
type Insurance = { accounts: number; liquidations_at_risk: string; value_at_risk: string; need: string; insurance: string; ratio: string | null; scenarios: Scenario[] };

const Mood = ({ of }: { of: string }) => <span class={of === "normal" ? "good" : "warn"}>{of}</span>;

const MARKETS: Column<MarketRisk>[] = [
  { head: "Market", of: (one) => one.coin },
  { head: "State", help: "What the risk engine holds right", of: (one) => <Mood of={one.state} /> },
  { head: "Breaker", help: "What the engine is in", of: (one) => <Mood of={one.breaker} /> },
  { head: "Stress", help: "1: worries, 2: alarms", look: (one) => (Number(one.stress) >= 1 ? "warn" : ""), of: (one) => <Num v={one.stress} name={`stress-${one.coin}`} /> },
  { head: "Range", help: "Of the last 15 minutes over the usual one", of: (one) => <Num v={one.signs.range} /> },
  { head: "Depth lost", of: (one) => <Num v={one.signs.depth_lost} as="share" d={1} /> },
  { head: "OI lost", help: "Open interest gone within an hour", of: (one) => <Num v={one.signs.open_interest_lost} as="share" d={1} /> },
  { head: "Gap", help: "Middle of the book from the index", of: (one) => <Num v={one.signs.gap} as="share" d={3} /> },
  { head: "Forced", help: "Closed by force within an hour, of open interest", of: (one) => <Num v={one.signs.liquidated} as="share" d={1} /> },
  { head: "New risk", of: (one) => <Num v={one.new_risk} as="share" /> },
  { head: "Maintenance", of: (one) => <Num v={one.maintenance} as="share" /> },
  { head: "Volatility, 1h", of: (one) => <Num v={one.volatility} as="share" /> },
  { head: "Model", look: "wrap", of: (one) => <span title={one.model}>{one.source}</span> },
  { head: "Held", help: "Share of the judged hours whose worst move stayed within the margin for new risk", of: (one) => <Held of={one} /> },
  { head: "Last data", of: (one) => (one.last_data === null ? "–" : clock(one.last_data)) },
  { head: "Why", look: "wrap", of: (one) => one.reasons.join("; ") },
];

function Held({ of }: { of: MarketRisk }) {
  if (of.hours === 0) return <span class="muted">not judged yet</span>;
  return (
    <>
      <Num v={of.coverage} as="share" d={1} name={`coverage-${of.coin}`} /> <small>of {of.hours} h</small>
    </>
  );
}

export function RiskEngine() {
  const { answer, error, isAbsent } = useAsked<Risk>("/risk", 5_000);
  const told = answer.value;
  if (isAbsent.value) return null;
  const age = told?.age_ms == null ? "it has not looked yet" : `looked ${(told.age_ms / 1000).toFixed(1)} s ago, in ${told.took_ms} ms`;
  return (
    <Card title="Risk engine" note={told ? `${told.mode}; ${age}; ${told.signers_needed} of ${told.signers.length} signers needed` : ""} wide>
      {error.value ? <p class="why">{error.value}</p> : null}
      {told?.is_silent ? <p class="why">It is silent: live values go back to static ones.</p> : null}
      {told ? <Table label="Risk engine by market" look="left-end" columns={MARKETS} rows={told.markets} keyOf={(one) => one.coin} empty="It has not looked at any market yet." /> : null}
    </Card>
  );
}

const PROPOSALS: Column<Proposal>[] = [
  { head: "When", look: "muted", of: (one) => stamp(one.time) },
  { head: "Market", of: (one) => one.coin },
  { head: "Parameter", of: (one) => <span class="hash">{one.parameter}</span> },
  { head: "From", of: (one) => grouped(one.before) },
  { head: "To", of: (one) => grouped(one.value) },
  { head: "Outcome", look: "wrap", of: (one) => one.outcome },
  { head: "Why", look: "wrap", of: (one) => one.reasons.join("; ") },
];

export function Proposals() {
  const { answer, error, isAbsent } = useAsked<{ proposals: Proposal[] }>("/risk/proposals?limit=50", 8_000);
  if (isAbsent.value) return null;
  return (
    <Card title="Proposals of the risk engine" note="newest first, with reasons and what became of them" wide>
      {error.value ? <p class="why">{error.value}</p> : null}
      {answer.value ? <Table label="Proposals" look="left-last" columns={PROPOSALS} rows={answer.value.proposals} keyOf={(_, at) => at} empty="None yet." /> : null}
    </Card>
  );
}

const SCENARIOS: Column<Scenario>[] = [
  { head: "Scenario", of: (one) => one.name },
  { head: "All losses", of: (one) => <Num v={one.total} d={0} /> },
  { head: "Two largest", of: (one) => <Num v={one.cover} d={0} /> },
];

export function AtRisk() {
  const { answer, error, isAbsent } = useAsked<Insurance>("/risk/insurance", 30_000);
  const told = answer.value;
  if (isAbsent.value) return null;
  return (
    <Card title="At risk within a day" note="95th percentile over paths; cover-2 against what the funds hold" wide>
      {error.value ? <p class="why">{error.value}</p> : null}
      {told ? (
        <>
          <dl class="grid-lines">
            <Line label="Liquidations at risk" help="Notional liquidated">
              <Num v={told.liquidations_at_risk} d={0} name="liquidations-at-risk" />
            </Line>
            <Line label="Value at risk" help="Insolvent debt left">
              <Num v={told.value_at_risk} d={0} name="value-at-risk" />
            </Line>
            <Line label="Cover-2" help="Losses of the two largest groups in the worst scenario">
              <Num v={told.need} d={0} />
            </Line>
            <Line label="Insurance">
              <Num v={told.insurance} d={0} />
            </Line>
            <Line label="Insurance over need">{told.ratio === null ? "nothing is needed" : <Num v={told.ratio} d={2} />}</Line>
            <Line label="Buckets">{told.accounts.toLocaleString("en")}</Line>
          </dl>
          <Table label="Scenarios" columns={SCENARIOS} rows={told.scenarios} keyOf={(one) => one.name} empty="Nobody has a position." />
        </>
      ) : null}
    </Card>
  );
}
