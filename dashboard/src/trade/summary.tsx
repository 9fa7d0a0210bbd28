// The account in five lines, under the ticket.
import { Line, Num } from "../parts/num";
import { account, cross } from "../state/account";

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
        <Line label="Free" help="What new risk in cross may use">
          <Num v={here.free} name="account-free" />
        </Line>
        <Line label="Withdrawable" help="What may leave now">
          <Num v={here.withdrawable} name="account-withdrawable" />
        </Line>
        <Line label="Used" help="Margin that positions and resting orders tie up">
          <Num v={here.used} name="account-used" />
        </Line>
        <Line label="Maintenance" help="Equity of cross below which liquidation begins">
          <Num v={here.maintenance} name="account-maintenance" />
        </Line>
        <Line label="Margin ratio" help="Maintenance over equity of cross: liquidation begins above 100 %">
          <Num v={here.margin_ratio} as="share" name="account-margin_ratio" />
        </Line>
        <Line label="Leverage" help="Notional over equity of cross">
          <Num v={here.leverage} />×
        </Line>
      </dl>
    </section>
  );
}
