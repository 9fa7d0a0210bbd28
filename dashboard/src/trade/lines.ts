// The lines on the chart: entry, liquidation, stops and orders; those of orders can be dragged to another price.
import { computed } from "@preact/signals";
import { grouped, rounded, tickText } from "../parts/decimal";
import { orders, positionHere, positions } from "../state/account";
import { coin, marketOf } from "../state/venue";
import { limitOrder, modify, triggerOrder, type Tif } from "../wire/actions";
import { Refusal } from "../wire/http";
import type { Order } from "../wire/types";

export type ChartLine = {
  id: string;
  price: number;
  title: string;
  tone: "entry" | "bad" | "good" | "accent" | "muted";
  order: Order | null;
};

function titleOf(order: Order): string {
  const size = grouped(order.sz);
  if (!order.isTrigger) return `${order.side === "B" ? "Buy" : "Sell"} ${size}`;
  return `${order.orderType.startsWith("Take") ? "TP" : "SL"}${order.isPositionTpsl ? "" : ` ${size}`}`;
}

function lineOf(order: Order): ChartLine {
  const isTake = order.orderType.startsWith("Take");
  const tone = order.isTrigger ? (isTake ? "good" : "bad") : "accent";
  const price = Number(order.isTrigger ? order.triggerPx : order.limitPx);
  return { id: `order-${order.oid}`, price, title: titleOf(order), tone, order };
}

/** All lines of the market that is shown. */
export const lines = computed<ChartLine[]>(() => {
  const held = positionHere.value;
  const made = orders.value.filter((one) => one.coin === coin.value).flatMap((one) => [one, ...(one.children ?? [])]).map(lineOf);
  if (held !== null) {
    const side = held.side === "long" ? "Long" : "Short";
    made.push({ id: "entry", price: Number(held.entry_price), title: `${side} ${grouped(rounded(held.size, 5)).replace(/\.?0+$/, "")}`, tone: "entry", order: null });
    if (held.liquidation_price !== null) {
      made.push({ id: "liquidation", price: Number(held.liquidation_price), title: "Liq.", tone: "bad", order: null });
    }
  }
  return made;
});

/** Moves an order to another price: of a trigger, the price that triggers it. Throws Refusal. */
export async function moveOrder(order: Order, price: number): Promise<string> {
  const here = marketOf(order.coin);
  if (here === null) throw new Refusal("ticket", `There is no market ${order.coin} any more.`);
  const to = tickText(price, here.size_decimals);
  const isBuy = order.side === "B";
  if (!order.isTrigger) {
    return modify(order.oid, limitOrder(here.market, isBuy, to, order.sz, order.reduceOnly, (order.tif as Tif | null) ?? "Gtc"));
  }
  const isTake = order.orderType.startsWith("Take");
  const limit = order.orderType.endsWith("Limit") ? order.limitPx : null;
  const size = order.isPositionTpsl ? (positions.peek().find((one) => one.coin === order.coin)?.size ?? order.sz) : order.sz; // the engine keeps "all of it"
  return modify(order.oid, triggerOrder(here.market, isBuy, size, order.reduceOnly, { kind: isTake ? "tp" : "sl", price: to, limit }));
}
