// The chain that keeps the accounts, where one is connected: how far it is, and whether both sides agree.
import { Card } from "../parts/card";
import { stamp } from "../parts/decimal";
import { Line, Num } from "../parts/num";
import { useAsked } from "../state/asked";
import type { Kept } from "../wire/types";

export function Chain() {
  const { answer, error, isAbsent } = useAsked<Kept>("/chain", 6_000);
  const told = answer.value;
  if (isAbsent.value) return null;
  const count = (name: string, value: number) => (
    <span data-name={`chain-${name}`} data-value={value}>
      {value.toLocaleString("en")}
    </span>
  );
  const refused = Object.keys(told?.refused ?? {}).length;
  return (
    <Card title="Chain" note="the contracts that keep the accounts">
      {error.value ? <p class="why">{error.value}</p> : null}
      {told ? (
        <>
          <dl class="lines">
            <Line label="Chain, block">
              {told.chain_id}, {count("block", told.block)}
            </Line>
            <Line label="Trades in blocks" help="Of those that go to the chain">
              {count("sent", told.sent)} of {count("trades", told.trades)}
            </Line>
            <Line label="Deep enough">{told.final.toLocaleString("en")}</Line>
            <Line label="Refused by the chain">
              <span class={refused ? "bad" : ""}>{refused}</span>
            </Line>
            {told.collateral.map((one) => (
              <Line key={one.asset} label={`${one.coin} in the vault`} help="As both sides were compared last; of what accounts of the venue hold now">
                <Num v={one.chain} d={4} name={`chain-held-${one.coin}`} /> of <Num v={one.venue} d={4} />
              </Line>
            ))}
            {told.sales ? (
              <Line label="Sales of collateral, refused">
                {count("sales", told.sales)}, <span class={Object.keys(told.sales_refused).length ? "bad" : ""}>{Object.keys(told.sales_refused).length}</span>
              </Line>
            ) : null}
            <Line label="Withdrawals on their way">{count("withdrawals", told.withdrawals)}</Line>
            <Line label="Owners who have not approved the operator">{told.unapproved.length}</Line>
            <Line label="Compared">{told.compared === null ? "never yet" : stamp(told.compared)}</Line>
          </dl>
          <ul class="checks">
            <li class={told.compared === null ? "muted" : told.gaps.length ? "bad" : "good"}>
              {told.gaps.length ? `${told.gaps.length} figures differ.` : told.compared === null ? "Not compared yet." : "Venue and chain agree."}
            </li>
            {told.gaps.slice(0, 5).map((one) => (
              <li key={one.address + one.what} class="bad">
                <span class="hash">
                  {one.address} {one.what}: venue {one.venue}, chain {one.chain}
                </span>
              </li>
            ))}
          </ul>
          {told.fault ? <p class="why bad">{told.fault}</p> : null}
        </>
      ) : null}
    </Card>
  );
}
