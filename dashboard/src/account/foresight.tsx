// How likely a liquidation is, because of what, and the cheapest cures: the venue's foresight (docs/risk/foresight.md).
import { Card } from "../parts/card";
import { share } from "../parts/decimal";
import { Line, Num } from "../parts/num";
import { useAsked } from "../state/asked";

type Chances = { hour_1: string; hours_8: string; hours_24: string };
type Cure = { kind: string; coin: string | null; size: string | null; capital: string; cost: string; probability: string; words: string };
type Bucket = { bucket: string; score: number; probabilities: Chances; expected_hours: string | null; drivers: { coin: string; share: string }[]; cures: Cure[] };
type Seen = { score: number; probabilities: Chances; expected_hours: string | null; target: string; paths: number; basis: string; buckets: Bucket[] };
const EVERY_MS = 15_000;
const KINDS: Record<string, string> = { top_up: "Pay in", reduce: "Reduce", hedge: "Hedge", switch_mode: "Move to cross" };

function Score({ of, label }: { of: number; label: string }) {
  const tone = of >= 50 ? "bad" : of >= 25 ? "warn" : "good";
  return (
    <div class="score">
      <b class={tone} data-name={`score-${label}`}>
        {of}
      </b>
      <svg class={`bar ${tone}`} viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label={`Risk score of ${label}: ${of} of 100`}>
        <rect class="ground" width="100" height="8" />
        <rect class="fill" width={of} height="8" />
      </svg>
    </div>
  );
}

function BucketLines({ of }: { of: Bucket }) {
  return (
    <div class="bucket">
      <h3>
        {of.bucket} <small>{of.drivers.map((one) => `${one.coin} ${share(one.share, 0)}`).join(", ")}</small>
      </h3>
      <Score of={of.score} label={of.bucket} />
      <dl class="grid-lines">
        <Line label="1 hour">
          <Num v={of.probabilities.hour_1} as="share" d={3} name={`${of.bucket}-hour_1`} />
        </Line>
        <Line label="8 hours">
          <Num v={of.probabilities.hours_8} as="share" d={3} />
        </Line>
        <Line label="24 hours">
          <Num v={of.probabilities.hours_24} as="share" d={3} name={`${of.bucket}-hours_24`} />
        </Line>
        <Line label="Hours to it" help="Mean, on the paths that liquidate within a day">
          <Num v={of.expected_hours} d={1} />
        </Line>
      </dl>
      {of.cures.length ? (
        <ol class="cures">
          {of.cures.map((one) => (
            <li key={one.words}>
              <span class="badge good">{KINDS[one.kind] ?? one.kind}</span> {one.words}{" "}
              <small>
                ties up <Num v={one.capital} />, costs <Num v={one.cost} /> USD
              </small>
            </li>
          ))}
        </ol>
      ) : null}
    </div>
  );
}

export function Foresight({ who }: { who: string }) {
  const { answer, error, isAbsent } = useAsked<Seen>(`/accounts/${who}/foresight`, EVERY_MS);
  const told = answer.value;
  if (isAbsent.value || (told !== null && told.buckets.length === 0)) return null;
  return (
    <Card title="Foresight" note="probability of liquidation, what drives it, and the cheapest cures that the margin core confirms" wide>
      {error.value ? <p class="why">{error.value}</p> : null}
      {told ? (
        <>
          <div class="buckets">
            {told.buckets.map((one) => (
              <BucketLines key={one.bucket} of={one} />
            ))}
          </div>
          <p class="why">
            Counted on {told.paths.toLocaleString("en")} paths: {told.basis}. Cures aim at {share(told.target, 1)} within 24 hours.
          </p>
        </>
      ) : null}
    </Card>
  );
}
