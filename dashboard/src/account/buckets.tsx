// Every bucket of the account with all its figures: each is liquidated by itself.
import { Card } from "../parts/card";
import { stamp } from "../parts/decimal";
import { Line, Num } from "../parts/num";
import { Level } from "../trade/summary";
import type { Account, Bucket } from "../wire/types";
import { Gauge } from "./gauge";
import { MoneyButton } from "./money";
import { PortfolioSwitch } from "./portfolio";

const FIGURES: [keyof Bucket & string, string, string, ("share" | "plain")?][] = [
  ["equity", "Equity", "Value at mark: cash, unrealised profit and loss, funding earned and not settled"],
  ["cash", "Cash", "USD without unrealised profit and loss, as settled"],
  ["unrealised", "Unrealised", "Profit and loss of open positions at mark"],
  ["pending_funding", "Funding owed", "Earned and not settled yet; below 0: owed"],
  ["free", "Free", "What new risk may use: equity less used. Below 0: short of it, nothing is closed for that"],
  ["withdrawable", "Withdrawable", "What may leave now: equity above the floor, unrealised profit only as far as losers paid it in"],
  ["used", "Used", "Margin that positions and resting orders tie up"],
  ["reserved", "Reserved", "The part of used that is for resting orders"],
  ["floor", "Floor", "What must stay after a withdrawal: the larger of used and 10 % of notional plus reserved"],
  ["maintenance", "Maintenance", "Equity below which liquidation begins"],
  ["liquidation_end", "Liquidation ends", "Equity at which a liquidation stops"],
  ["notional", "Notional", "Sum of the positions' absolute values at mark"],
  ["margin_ratio", "Margin ratio", "Maintenance over equity: liquidation begins above 100 %", "share"],
  ["leverage", "Leverage", "Notional over equity"],
];

function BucketCard({ who, of }: { who: string; of: Bucket }) {
  return (
    <div class="bucket" data-bucket={of.bucket}>
      <h3>
        {of.bucket === "cross" ? "Cross" : of.bucket} <Level of={of.level} />
        <small>
          {of.positions} {of.positions === 1 ? "position" : "positions"}
        </small>
      </h3>
      <Gauge of={of} />
      <dl class="grid-lines">
        {FIGURES.map(([field, label, help, as]) => (
          <Line key={field} label={label} help={help}>
            <Num v={of[field] as string | null} as={as} name={`${of.bucket}-${field}`} />
          </Line>
        ))}
      </dl>
      {of.bucket === "cross" ? <PortfolioSwitch who={who} of={of} /> : null}
    </div>
  );
}

function Leaving({ of }: { of: Account }) {
  const gate = of.withdrawals;
  return (
    <dl class="lines">
      <Line label="Withdrawals" help="For everybody: closed while the venue is halted, or for a while after negative equity">
        {gate.are_open ? "open" : gate.closed_until ? `closed until ${stamp(gate.closed_until)}` : "closed"}
      </Line>
      <Line label="Venue may pay out" help="In this hour and day, to all">
        <Num v={gate.limit_left} />
      </Line>
      <Line label="Pending">
        <Num v={gate.pending} />
      </Line>
      <Line label="Outside margin" help="USD that no position touches">
        <Num v={of.outside_margin} />
      </Line>
    </dl>
  );
}

export function Buckets({ of }: { of: Account }) {
  return (
    <Card title="Margin" note="Each bucket is liquidated by itself; totals only add up what is there" wide>
      <div class="buckets">
        {of.buckets.map((one) => (
          <BucketCard key={one.bucket} who={of.address} of={one} />
        ))}
        <div class="bucket">
          <h3>Leaving</h3>
          <Leaving of={of} />
          <MoneyButton />
        </div>
      </div>
    </Card>
  );
}
