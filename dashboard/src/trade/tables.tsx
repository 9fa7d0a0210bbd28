// What the account has and did: positions, orders, TWAPs, fills, funding, money.
import { signal } from "@preact/signals";
import { grouped, priceDecimals, stamp } from "../parts/decimal";
import { Num } from "../parts/num";
import { Tabs } from "../parts/tabs";
import { absent, assetOf, fills, fundings, ledger, orders, positions, refreshAccount, twaps } from "../state/account";
import { tried } from "../state/told";
import { choose, marketOf } from "../state/venue";
import { cancel, cancelTwap } from "../wire/actions";
import { address, canTrade } from "../wire/session";
import type { Happening, Order } from "../wire/types";
import { Positions } from "./positions";

const shown = signal("positions");

const places = (coin: string, price: string): number => priceDecimals(Number(price), marketOf(coin)?.size_decimals ?? 2);
export const Price = ({ coin, v, name }: { coin: string; v: string | null; name?: string }) => <Num v={v} d={v ? places(coin, v) : 2} name={name} />;

export function Coin({ coin }: { coin: string }) {
  return (
    <button type="button" class="plain strong" onClick={() => choose(coin)} title="Show this market">
      {coin}
    </button>
  );
}

export function Table({ heads, empty, children }: { heads: string[]; empty: string; children: preact.ComponentChild[] }) {
  if (children.length === 0) return <p class="empty">{empty}</p>;
  return (
    <table class="table">
      <thead>
        <tr>
          {heads.map((head) => (
            <th key={head} scope="col">
              {head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  );
}

const Side = ({ of }: { of: "A" | "B" }) => <span class={of === "B" ? "good" : "bad"}>{of === "B" ? "Buy" : "Sell"}</span>;

function CancelAll() {
  if (orders.value.length < 2 || !canTrade.value) return null;
  const all = async (): Promise<string> => {
    for (const one of orders.value) await cancel(assetOf(one.coin), one.oid);
    return "All orders are cancelled";
  };
  return (
    <button type="button" class="quiet small" onClick={() => void tried(all)}>
      Cancel all
    </button>
  );
}

function OrderRow({ one }: { one: Order }) {
  return (
    <tr>
      <td class="muted">{stamp(one.timestamp)}</td>
      <td>
        <Coin coin={one.coin} />
      </td>
      <td>
        <Side of={one.side} /> {one.orderType}
        {one.reduceOnly ? <span class="badge">reduce</span> : null}
        {one.tif === "Alo" ? <span class="badge">post-only</span> : null}
      </td>
      <td>{one.isPositionTpsl ? "whole position" : grouped(one.sz)}</td>
      <td>{one.isPositionTpsl ? "" : grouped(one.origSz)}</td>
      <td>{one.isTrigger && !one.orderType.endsWith("Limit") ? "market" : <Price coin={one.coin} v={one.limitPx} />}</td>
      <td>{one.isTrigger ? one.triggerCondition : "–"}</td>
      <td>
        {canTrade.value ? (
          <button type="button" class="quiet small" onClick={() => void tried(() => cancel(assetOf(one.coin), one.oid))}>
            Cancel
          </button>
        ) : null}
      </td>
    </tr>
  );
}

function Orders() {
  const flat = orders.value.flatMap((one) => [one, ...(one.children ?? [])]);
  return (
    <>
      <CancelAll />
      <Table heads={["Time", "Market", "Order", "Left", "Size", "Price", "Trigger", ""]} empty="No open orders.">
        {flat.map((one) => (
          <OrderRow key={one.oid} one={one} />
        ))}
      </Table>
    </>
  );
}

function Twaps() {
  return (
    <Table heads={["Started", "Market", "Side", "Done", "Size", "Minutes", ""]} empty="No TWAP runs.">
      {twaps.value.map(([id, run]) => (
        <tr key={id}>
          <td class="muted">{stamp(run.timestamp)}</td>
          <td>
            <Coin coin={run.coin} />
          </td>
          <td>
            <Side of={run.side} />
          </td>
          <td>{grouped(run.executedSz)}</td>
          <td>{grouped(run.sz)}</td>
          <td>{run.minutes}</td>
          <td>
            {canTrade.value ? (
              <button type="button" class="quiet small" onClick={() => void tried(() => cancelTwap(assetOf(run.coin), id))}>
                Stop
              </button>
            ) : null}
          </td>
        </tr>
      ))}
    </Table>
  );
}

function Fills() {
  return (
    <Table heads={["Time", "Market", "What", "Price", "Size", "Fee", "Closed PnL"]} empty="No fills yet.">
      {fills.value.map((one) => (
        <tr key={`${one.tid}${one.side}`}>
          <td class="muted">{stamp(one.time)}</td>
          <td>
            <Coin coin={one.coin} />
          </td>
          <td>
            <span class={one.side === "B" ? "good" : "bad"}>{one.dir}</span>
            {one.liquidation ? <span class="badge warn">liquidation</span> : null}
            {one.crossed ? null : <span class="badge">maker</span>}
          </td>
          <td>
            <Price coin={one.coin} v={one.px} name="fill-price" />
          </td>
          <td>
            <Num v={one.sz} d={marketOf(one.coin)?.size_decimals ?? 2} name="fill-size" />
          </td>
          <td>
            <Num v={one.fee} d={4} />
          </td>
          <td>
            <Num v={one.closedPnl} tone sign />
          </td>
        </tr>
      ))}
    </Table>
  );
}

function Fundings() {
  return (
    <Table heads={["Time", "Market", "Size", "Rate, 1h", "Payment"]} empty="No funding was paid or received yet.">
      {fundings.value.map((one) => (
        <tr key={`${one.time}${one.coin}`}>
          <td class="muted">{stamp(one.time)}</td>
          <td>
            <Coin coin={one.coin} />
          </td>
          <td>{grouped(one.szi)}</td>
          <td>
            <Num v={one.fundingRate} as="share" d={4} />
          </td>
          <td>
            <Num v={one.usdc} d={4} tone sign />
          </td>
        </tr>
      ))}
    </Table>
  );
}

const WORDS: Record<string, string> = {
  deposit: "Deposit",
  withdraw: "Withdrawal",
  internalTransfer: "Transfer",
  subAccountTransfer: "Sub-account transfer",
  accountClassTransfer: "Between margin and spot",
  vaultDeposit: "Into a pool",
  vaultWithdraw: "Out of a pool",
  liquidation: "Liquidation",
};

function amountOf(one: Happening): string {
  const { usdc, usd, amount, accountValue } = one.delta;
  return String(usdc ?? usd ?? amount ?? accountValue ?? "");
}

function Money() {
  return (
    <Table heads={["Time", "What", "USD"]} empty="No money was moved yet.">
      {ledger.value.map((one) => (
        <tr key={one.hash + JSON.stringify(one.delta)}>
          <td class="muted">{stamp(one.time)}</td>
          <td>{WORDS[String(one.delta.type)] ?? String(one.delta.type)}</td>
          <td>
            <Num v={amountOf(one) || null} />
          </td>
        </tr>
      ))}
    </Table>
  );
}

const BODIES: Record<string, () => preact.JSX.Element> = { positions: Positions, orders: Orders, twaps: Twaps, fills: Fills, funding: Fundings, ledger: Money };

function Body() {
  if (address.value === null) return <p class="empty">Connect, or look at an address, to see positions and orders.</p>;
  if (absent.value === "unknown") {
    return <p class="empty">This address has no account here yet: the faucet or a deposit makes one.</p>;
  }
  if (absent.value !== null) {
    return (
      <p class="empty">
        The figures could not be read: {absent.value}{" "}
        <button type="button" class="quiet small" onClick={() => void refreshAccount()}>
          Try again
        </button>
      </p>
    );
  }
  const Shown = BODIES[shown.value]!;
  return <Shown />;
}

export function Tables() {
  return (
    <section class="panel tables" aria-label="Account in detail">
      <Tabs
        label="Positions, orders and history"
        tabs={[
          { id: "positions", name: "Positions", count: positions.value.length },
          { id: "orders", name: "Orders", count: orders.value.length },
          { id: "twaps", name: "TWAP", count: twaps.value.length },
          { id: "fills", name: "Fills" },
          { id: "funding", name: "Funding" },
          { id: "ledger", name: "Ledger" },
        ]}
        chosen={shown.value}
        choose={(id) => {
          shown.value = id;
        }}
      />
      <div class="scroll" role="tabpanel" tabIndex={0} aria-labelledby={`tab-${shown.value}`}>
        <Body />
      </div>
    </section>
  );
}
