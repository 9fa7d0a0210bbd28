// The account in five lines, under the ticket.
import { Line, Num } from "../parts/num";
import { account, cross } from "../state/account";
import { MoneyButton } from "../account/money";
import type { Bucket } from "../wire/types";

const LEVELS: Record<string, [string, string]> = {
  free: ["may take risk", "good"],
  below_initial: ["may only reduce", "warn"],
  below_liquidation_end: ["near liquidation", "bad"],
  liquidatable: ["in liquidation", "bad"],
  bankrupt: ["below zero", "bad"],
};

export function Level({ of }: { of: string }) {
  const [word, tone] = LEVELS[of] ?? [of, ""];
  return <span class={`badge ${tone}`}>{word}</span>;
}

const CROSS: [keyof Bucket & string, string, string, ("share" | "plain")?][] = [
  ["free", "Free", "What new risk in cross may use"],
  ["withdrawable", "Withdrawable", "What may leave now"],
  ["used", "Used", "Margin that positions and resting orders tie up"],
  ["maintenance", "Maintenance", "Equity of cross below which liquidation begins"],
  ["margin_ratio", "Margin ratio", "Maintenance over equity of cross: liquidation begins above 100 %", "share"],
  ["leverage", "Leverage", "Notional over equity of cross"],
];

export function Summary() {
  const [all, here] = [account.value, cross.value];
  if (all === null || here === null) return null;
  return (
    <section class="panel summary" aria-label="Account">
      <h2>
        Account <Level of={all.level} />
      </h2>
      <dl class="lines">
        <Line label="Equity" help="Value at mark of all buckets: cash, unrealised profit and loss, funding earned and not settled">
          <Num v={all.equity} name="account-equity" />
        </Line>
        {CROSS.map(([field, label, help, as]) => (
          <Line key={field} label={label} help={help}>
            <Num v={here[field] as string | null} as={as} name={`account-${field}`} />
          </Line>
        ))}
      </dl>
      <MoneyButton />
    </section>
  );
}
