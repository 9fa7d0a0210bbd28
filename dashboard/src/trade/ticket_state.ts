// What the order ticket holds, and what follows from it: the order as it would be sent, and what it would do.
import { computed, effect, signal } from "@preact/signals";
import { cut, share, tickText } from "../parts/decimal";
import { assetData, positionHere, refreshAccount } from "../state/account";
import { coin, context, market } from "../state/venue";
import { Asker } from "../state/what_if";
import { type Kind, limitOrder, place, setLeverage, type Tif, trail, triggerOrder, twap } from "../wire/actions";
import { Refusal } from "../wire/http";
import { address } from "../wire/session";
import type { Market } from "../wire/types";

const SLIP = 0.05; // of a market order's limit around the mid, as Hyperliquid's clients have it
const STOP_SLIP = 0.1;

export const side = signal<"buy" | "sell">("buy");
export const kind = signal<Kind>("market");
export const size = signal("");
export const inUsd = signal(false);
export const price = signal("");
export const trigger = signal("");
export const isLimit = signal(false); // of a stop or take profit: a limit order once it triggers
export const tif = signal<Tif>("Gtc");
export const reduces = signal(false);
export const minutes = signal("30");
export const withStops = signal(false);
export const takeAt = signal("");
export const stopAt = signal("");
/** As chosen and not yet set; null: as the account has it. */
export const leverageWish = signal<number | null>(null);
export const modeWish = signal<"cross" | "isolated" | null>(null);
/** What the order would do. */
export const preview = new Asker();
export const sending = signal(false);

/** Leverage that new risk may take now, and why it is not more. */
export const cap = computed(() => (market.value ? capOf(market.value) : { most: 1, why: "" }));
export const setNow = computed(() => {
  const held = positionHere.value;
  if (held !== null) return { leverage: held.leverage, mode: held.bucket === "cross" ? ("cross" as const) : ("isolated" as const) };
  const data = assetData.value;
  return data ? { leverage: data.leverage.value, mode: data.leverage.type } : { leverage: Math.min(20, cap.value.most), mode: "cross" as const };
});
export const leverage = computed(() => Math.max(1, leverageWish.value ?? setNow.value.leverage));
export const mode = computed(() => modeWish.value ?? setNow.value.mode);

function capOf(here: Market): { most: number; why: string } {
  const tier = here.tiers[0]?.max_leverage ?? 1;
  const most = here.max_leverage;
  if (here.breaker === "hard") return { most, why: "The circuit breaker is hard: only orders that reduce." };
  if (here.leverage_limit === "breaker") return { most, why: `The circuit breaker is ${here.breaker}: leverage is halved.` };
  if (here.leverage_limit === "risk") return { most, why: `The risk engine's cap of now; the tier would allow ${tier}×.` };
  if (here.leverage_limit === "cap") return { most, why: `The operator's cap; the tier would allow ${tier}×.` };
  const next = here.tiers[1];
  return { most, why: next ? `By the tier; ${next.max_leverage}× above ${Number(next.lower).toLocaleString("en")} USD.` : "By the market's tier." };
}

/** Said when new risk is margined at more than one over its leverage; "" otherwise. */
export const least = computed(() => {
  const rate = Number(market.value?.initial_live ?? 0);
  return rate * leverage.value > 1 ? `Its margin is ${share(market.value!.initial_live)} at least now, as at ${(1 / rate).toFixed(1)}×.` : "";
});

/** Size in units of the coin; null when there is none. */
export const units = computed<string | null>(() => {
  const here = market.value;
  const typed = Number(size.value);
  if (here === null || !(typed > 0)) return null;
  if (!inUsd.value) return cut(size.value, here.size_decimals);
  const at = Number(reference.value);
  return at > 0 ? cut((typed / at).toFixed(12), here.size_decimals) : null;
});

/** The price that an order of now would go at. */
export const reference = computed<string>(() => {
  const mark = context.value?.midPx ?? context.value?.markPx ?? "0";
  if (kind.value === "limit") return price.value || mark;
  if (kind.value === "stop" || kind.value === "take") return (isLimit.value && price.value) || trigger.value || mark;
  return mark;
});

/** Puts a price of the book into the ticket. */
export function pick(at: string): void {
  price.value = at.replace(/\.0$/, "");
  if (kind.value === "market") kind.value = "limit";
}

/** Sets the size to a share of the greatest order that the engine would take. */
export function fillShare(percent: number): void {
  const here = market.value;
  const data = assetData.value;
  if (here === null || data === null) return;
  const most = reduces.value && positionHere.value ? positionHere.value.size : data.maxTradeSzs[side.value === "buy" ? 0 : 1];
  const amount = (Number(most) * percent) / 100;
  inUsd.value = false;
  size.value = cut(amount.toFixed(12), here.size_decimals);
}

function wishedOrder(): Record<string, unknown> | null {
  if (units.value === null || Number(units.value) === 0) return null;
  const asked: Record<string, unknown> = { coin: coin.value, side: side.value, size: units.value };
  if (kind.value !== "market" && kind.value !== "twap" && kind.value !== "trail") asked.price = reference.value;
  if (!reduces.value) {
    asked.leverage = leverage.value;
    asked.margin_mode = mode.value;
  }
  return { order: asked };
}

/** Asks what the order would do whenever it changes. */
export function startPreview(): void {
  effect(() => preview.ask(address.value, wishedOrder()));
  effect(() => {
    void coin.value;
    leverageWish.value = null;
    modeWish.value = null;
    price.value = "";
    trigger.value = "";
    size.value = "";
    takeAt.value = "";
    stopAt.value = "";
  });
}

async function applyWishes(here: Market): Promise<void> {
  const isSet = leverage.value === setNow.value.leverage && mode.value === setNow.value.mode;
  if (isSet || reduces.value) return;
  await setLeverage(here.market, mode.value === "cross", leverage.value);
  leverageWish.value = null;
  modeWish.value = null;
}

/** Sets leverage and mode without an order. */
export async function applyLeverage(): Promise<string> {
  const here = market.value!;
  const [times, way] = [leverage.value, mode.value];
  await setLeverage(here.market, way === "cross", times);
  leverageWish.value = null;
  modeWish.value = null;
  void refreshAccount();
  return `${here.coin}: ${times}×, ${way}`;
}

function required(text: string, what: string): string {
  if (!(Number(text) > 0)) throw new Refusal("ticket", `Enter ${what}.`);
  return text;
}

/** Places what the ticket says; what became of it. Throws Refusal. */
export async function submit(): Promise<string> {
  const here = market.value;
  if (here === null) throw new Refusal("ticket", "There is no market.");
  const amount = required(units.value ?? "", "a size");
  const isBuy = side.value === "buy";
  if (kind.value === "twap") {
    await applyWishes(here);
    return twap(here.market, isBuy, amount, reduces.value, Number(required(minutes.value, "minutes")));
  }
  if (kind.value === "trail") return trail(here.market, isBuy, amount, required(trigger.value, "a distance"));
  const main = mainOrder(here, isBuy, amount);
  await applyWishes(here);
  const stops = withStops.value && !reduces.value ? attached(here, !isBuy, amount) : [];
  return place([main, ...stops], stops.length ? "normalTpsl" : "na");
}

function mainOrder(here: Market, isBuy: boolean, amount: string) {
  if (kind.value === "limit") return limitOrder(here.market, isBuy, required(price.value, "a price"), amount, reduces.value, tif.value);
  if (kind.value === "market") {
    const mid = Number(required(reference.value, "a size once there is a price"));
    const limit = tickText(mid * (isBuy ? 1 + SLIP : 1 - SLIP), here.size_decimals);
    return limitOrder(here.market, isBuy, limit, amount, reduces.value, "FrontendMarket");
  }
  const limit = isLimit.value ? required(price.value, "a limit price") : null;
  const at = required(trigger.value, "a trigger price");
  return triggerOrder(here.market, isBuy, amount, reduces.value, { kind: kind.value === "take" ? "tp" : "sl", price: at, limit });
}

/** Stops that belong to an order or a position: market orders once they trigger. */
export function attached(here: Market, isBuy: boolean, amount: string) {
  const made = [];
  if (Number(takeAt.value) > 0) made.push(triggerOrder(here.market, isBuy, amount, true, { kind: "tp", price: takeAt.value, limit: null }));
  if (Number(stopAt.value) > 0) made.push(triggerOrder(here.market, isBuy, amount, true, { kind: "sl", price: stopAt.value, limit: null }));
  return made;
}

/** Closes a position at the market, or a share of it. */
export async function closePosition(here: Market, isLong: boolean, amount: string, mark: string): Promise<string> {
  const limit = tickText(Number(mark) * (isLong ? 1 - STOP_SLIP : 1 + STOP_SLIP), here.size_decimals);
  return place([limitOrder(here.market, !isLong, limit, amount, true, "FrontendMarket")], "na");
}
