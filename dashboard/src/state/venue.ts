// What everybody sees: markets, their contexts, the venue itself.
import { computed, signal } from "@preact/signals";
import { v1 } from "../wire/http";
import { keep, recall } from "../wire/kept";
import { paced } from "./pace";
import { connections, link, subscribe } from "../wire/socket";
import type { Context, Market, Venue } from "../wire/types";

const MARKETS_MS = 4_000;
const CONTEXTS_MS = 250; // between two showings

export const markets = signal<Market[]>([]);
/** By market number, as the websocket last said it. */
export const contexts = signal<Context[]>([]);
export const venue = signal<Venue | null>(null);
export const coin = signal(recall("coin") ?? "BTC");
export const market = computed(() => markets.value.find((one) => one.coin === coin.value) ?? null);
export const context = computed(() => (market.value ? (contexts.value[market.value.market] ?? null) : null));
/** The venue's time less the browser's, ms. */
export const ahead = signal(0);

export function choose(name: string): void {
  coin.value = name;
  keep("coin", name);
}

export const marketOf = (name: string): Market | null => markets.value.find((one) => one.coin === name) ?? null;

export async function refreshMarkets(): Promise<void> {
  const [told, status] = await Promise.all([v1<{ time: number; markets: Market[] }>("/markets"), v1<Venue>("/status")]);
  ahead.value = told.time - Date.now();
  markets.value = told.markets;
  venue.value = status;
  if (told.markets[0] && !told.markets.some((one) => one.coin === coin.value)) choose(told.markets[0].coin);
}

export function startVenue(): void {
  const put = paced((all: Context[]) => {
    contexts.value = all;
  }, CONTEXTS_MS);
  subscribe({ type: "assetCtxs" }, (data: { ctxs: Context[] }) => put(data.ctxs));
  const again = (): void => void refreshMarkets().catch(() => undefined); // the link's state tells of a break
  again();
  setInterval(() => {
    if (link.value === "live" && !document.hidden) again();
  }, MARKETS_MS);
  connections.subscribe((count) => {
    if (count > 1) again();
  });
}
