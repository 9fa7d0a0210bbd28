// The risk engine: what it sees of each market, what it wants and why, what it proposed, and what the venue stands to lose.
import { Card, Scroll } from "../parts/card";
import { grouped, stamp } from "../parts/decimal";
import { Line, Num } from "../parts/num";
import { useAsked } from "../state/asked";

type Signs = { range: string | null; depth_lost: string | null; open_interest_lost: string | null; gap: string | null; liquidated: string | null };
type MarketRisk = { coin: string; state: string; breaker: string; stress: string; signs: Signs; new_risk: string | null; maintenance: string | null; volatility: string; depth: string; model: string; reasons: string[] };
type Risk = { mode: string; age_ms: number | null; took_ms: number; is_silent: boolean; signers: string[]; signers_needed: number; markets: MarketRisk[] };
type Proposal = { time: number; coin: string; parameter: string; value: string; before: string; outcome: string; reasons: string[] };
type Scenario = { name: string; total: string; cover: string; groups: { address: string; loss: string }[] };
type Insurance = { accounts: number; liquidations_at_risk: string; value_at_risk: string; need: string; insurance: string; ratio: string | null; scenarios: Scenario[] };
const HEADS = ["Market", "State", "Breaker", "Stress", "Range", "Depth lost", "OI lost", "Gap", "Forced", "New risk", "Maintenance", "Volatility, 1h", "Why"];

const Mood = ({ of }: { of: string }) => <span class={of === "normal" ? "good" : "warn"}>{of}</span>;

function Row({ of }: { of: MarketRisk }) {
  return (
    <tr>
      <td>{of.coin}</td>
      <td>
        <Mood of={of.state} />
      </td>
      <td>
        <Mood of={of.breaker} />
      </td>
      <td class={Number(of.stress) >= 1 ? "warn" : ""}>
        <Num v={of.stress} d={2} name={`stress-${of.coin}`} />
      </td>
      <td>
        <Num v={of.signs.range} d={2} />
      </td>
      <td>
        <Num v={of.signs.depth_lost} as="share" d={1} />
      </td>
      <td>
        <Num v={of.signs.open_interest_lost} as="share" d={1} />
      </td>
      <td>
        <Num v={of.signs.gap} as="share" d={3} />
      </td>
      <td>
        <Num v={of.signs.liquidated} as="share" d={1} />
      </td>
      <td>
        <Num v={of.new_risk} as="share" d={2} />
      </td>
      <td>
        <Num v={of.maintenance} as="share" d={2} />
      </td>
      <td>
        <Num v={of.volatility} as="share" d={2} />
      </td>
      <td class="wrap" title={of.model}>
        {of.reasons.join("; ")}
      </td>
    </tr>
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
      {told && told.markets.length ? (
        <Scroll label="Risk engine by market">
          <table class="table left-end">
            <thead>
              <tr>
                {HEADS.map((head) => (
                  <th key={head} scope="col">
                    {head}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {told.markets.map((one) => (
                <Row key={one.coin} of={one} />
              ))}
            </tbody>
          </table>
        </Scroll>
      ) : null}
    </Card>
  );
}

export function Proposals() {
  const { answer, error, isAbsent } = useAsked<{ proposals: Proposal[] }>("/risk/proposals?limit=50", 8_000);
  const rows = answer.value?.proposals ?? [];
  if (isAbsent.value) return null;
  return (
    <Card title="Proposals of the risk engine" note="newest first, with reasons and what became of them" wide>
      {error.value ? <p class="why">{error.value}</p> : null}
      {answer.value && rows.length === 0 ? <p class="empty">None yet.</p> : null}
      {rows.length ? (
        <Scroll label="Proposals">
          <table class="table left-last">
            <thead>
              <tr>
                {["When", "Market", "Parameter", "From", "To", "Outcome", "Why"].map((head) => (
                  <th key={head} scope="col">
                    {head}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((one, at) => (
                <tr key={at}>
                  <td class="muted">{stamp(one.time)}</td>
                  <td>{one.coin}</td>
                  <td>
                    <span class="hash">{one.parameter}</span>
                  </td>
                  <td>{grouped(one.before)}</td>
                  <td>{grouped(one.value)}</td>
                  <td class="wrap">{one.outcome}</td>
                  <td class="wrap">{one.reasons.join("; ")}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      ) : null}
    </Card>
  );
}

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
          <Scroll label="Scenarios">
            <table class="table">
              <thead>
                <tr>
                  {["Scenario", "All losses", "Two largest"].map((head) => (
                    <th key={head} scope="col">
                      {head}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {told.scenarios.map((one) => (
                  <tr key={one.name}>
                    <td>{one.name}</td>
                    <td>
                      <Num v={one.total} d={0} />
                    </td>
                    <td>
                      <Num v={one.cover} d={0} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Scroll>
        </>
      ) : null}
    </Card>
  );
}
