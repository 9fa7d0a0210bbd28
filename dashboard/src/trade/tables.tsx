// What the account has and did: positions, orders, TWAPs, fills, funding, money.
import { signal } from "@preact/signals";
import { grouped, priceDecimals, stamp } from "../parts/decimal";
import { Num } from "../parts/num";
import { type Column, Table } from "../parts/table";
import { Tabs } from "../parts/tabs";
import { absent, assetOf, fills, fundings, ledger, orders, positions, refreshAccount, twaps } from "../state/account";
import { tried } from "../state/told";
import { choose, marketOf } from "../state/venue";
import { cancel, cancelTwap } from "../wire/actions";
import { address, canTrade } from "../wire/session";
import type { Fill, Funding, Happening, Order, TwapRun } from "../wire/types";
import { OrderDialog } from "./order_dialog";
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

const changing = signal<Order | null>(null);

const Deeds = ({ of }: { of: Order }) =>
  canTrade.value ? (
    <div class="deeds">
      <button type="button" class="quiet small" aria-label={`Change order ${of.oid}`} onClick={() => (changing.value = of)}>
        Change
      </button>
      <button type="button" class="quiet small" aria-label={`Cancel order ${of.oid}`} onClick={() => void tried(() => cancel(assetOf(of.coin), of.oid))}>
        Cancel
      </button>
    </div>
  ) : null;

const OrderKind = ({ of }: { of: Order }) => (
  <>
    <Side of={of.side} /> {of.orderType}
    {of.reduceOnly ? <span class="badge">reduce</span> : null}
    {of.tif === "Alo" ? <span class="badge">post-only</span> : null}
  </>
);

const ORDERS: Column<Order>[] = [
  { head: "Time", look: "muted", of: (one) => stamp(one.timestamp) },
  { head: "Market", of: (one) => <Coin coin={one.coin} /> },
  { head: "Order", of: (one) => <OrderKind of={one} /> },
  { head: "Left", of: (one) => (one.isPositionTpsl ? "whole position" : grouped(one.sz)) },
  { head: "Size", of: (one) => (one.isPositionTpsl ? "" : grouped(one.origSz)) },
  { head: "Price", of: (one) => (one.isTrigger && !one.orderType.endsWith("Limit") ? "market" : <Price coin={one.coin} v={one.limitPx} />) },
  { head: "Trigger", of: (one) => (one.isTrigger ? one.triggerCondition : "–") },
  { head: null, hidden: "What can be done", of: (one) => <Deeds of={one} /> },
];

function Orders() {
  const flat = orders.value.flatMap((one) => [one, ...(one.children ?? [])]);
  return (
    <>
      <CancelAll />
      <Table columns={ORDERS} rows={flat} keyOf={(one) => one.oid} empty="No open orders." />
      {changing.value ? <OrderDialog key={changing.value.oid} of={changing.value} close={() => (changing.value = null)} /> : null}
    </>
  );
}

const StopTwap = ({ of: [id, run] }: { of: TwapRun }) =>
  canTrade.value ? (
    <button type="button" class="quiet small" aria-label={`Stop TWAP ${id}`} onClick={() => void tried(() => cancelTwap(assetOf(run.coin), id))}>
      Stop
    </button>
  ) : null;

const TWAPS: Column<TwapRun>[] = [
  { head: "Started", look: "muted", of: ([, run]) => stamp(run.timestamp) },
  { head: "Market", of: ([, run]) => <Coin coin={run.coin} /> },
  { head: "Side", of: ([, run]) => <Side of={run.side} /> },
  { head: "Done", of: ([, run]) => grouped(run.executedSz) },
  { head: "Size", of: ([, run]) => grouped(run.sz) },
  { head: "Minutes", of: ([, run]) => run.minutes },
  { head: null, hidden: "Stop", of: (one) => <StopTwap of={one} /> },
];
const Twaps = () => <Table columns={TWAPS} rows={twaps.value} keyOf={([id]) => id} empty="No TWAP runs." />;

const What = ({ of }: { of: Fill }) => (
  <>
    <span class={of.side === "B" ? "good" : "bad"}>{of.dir}</span>
    {of.liquidation ? <span class="badge warn">liquidation</span> : null}
    {of.crossed ? null : <span class="badge">maker</span>}
  </>
);

const FILLS: Column<Fill>[] = [
  { head: "Time", look: "muted", of: (one) => stamp(one.time) },
  { head: "Market", of: (one) => <Coin coin={one.coin} /> },
  { head: "What", of: (one) => <What of={one} /> },
  { head: "Price", of: (one) => <Price coin={one.coin} v={one.px} name="fill-price" /> },
  { head: "Size", of: (one) => <Num v={one.sz} d={marketOf(one.coin)?.size_decimals ?? 2} name="fill-size" /> },
  { head: "Fee", of: (one) => <Num v={one.fee} d={4} /> },
  { head: "Closed PnL", of: (one) => <Num v={one.closedPnl} tone sign /> },
];
const Fills = () => <Table columns={FILLS} rows={fills.value} keyOf={(one) => `${one.tid}${one.side}`} empty="No fills yet." />;

const FUNDINGS: Column<Funding>[] = [
  { head: "Time", look: "muted", of: (one) => stamp(one.time) },
  { head: "Market", of: (one) => <Coin coin={one.coin} /> },
  { head: "Size", of: (one) => grouped(one.szi) },
  { head: "Rate, 1h", of: (one) => <Num v={one.fundingRate} as="share" d={4} /> },
  { head: "Payment", of: (one) => <Num v={one.usdc} d={4} tone sign /> },
];
const Fundings = () => <Table columns={FUNDINGS} rows={fundings.value} keyOf={(one) => `${one.time}${one.coin}`} empty="No funding was paid or received yet." />;

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

const MONEY: Column<Happening>[] = [
  { head: "Time", look: "muted", of: (one) => stamp(one.time) },
  { head: "What", of: (one) => WORDS[String(one.delta.type)] ?? String(one.delta.type) },
  { head: "USD", of: (one) => <Num v={amountOf(one) || null} name={`moved-${one.delta.type}`} /> },
];
const Money = () => <Table columns={MONEY} rows={ledger.value} keyOf={(one) => one.hash + JSON.stringify(one.delta)} empty="No money was moved yet." />;

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
