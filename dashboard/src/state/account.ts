// What the shown account is: figures of /v1, refreshed when the venue says that something changed, and its streams.
import { computed, effect, signal } from "@preact/signals";
import { info, v1 } from "../wire/http";
import { address } from "../wire/session";
import { connections, subscribe } from "../wire/socket";
import type { Account, AssetData, Bucket, Fill, Funding, Happening, Order, Position, TwapRun } from "../wire/types";
import { coin, marketOf } from "./venue";
import { tell } from "./told";

const GAP_MS = 700; // between two questions for the figures
const ROWS_MOST = 400;

export const account = signal<Account | null>(null);
/** Why there are no figures, when there are none. */
export const absent = signal<string | null>(null);
export const positions = signal<Position[]>([]);
export const orders = signal<Order[]>([]);
export const fills = signal<Fill[]>([]);
export const fundings = signal<Funding[]>([]);
export const ledger = signal<Happening[]>([]);
export const twaps = signal<TwapRun[]>([]);
export const assetData = signal<AssetData | null>(null);
export const cross = computed<Bucket | null>(() => account.value?.buckets.find((one) => one.bucket === "cross") ?? null);
export const positionHere = computed(() => positions.value.find((one) => one.coin === coin.value) ?? null);

export const bucketOf = (position: Position): Bucket | null =>
  account.value?.buckets.find((one) => one.bucket === position.bucket) ?? null;

let asking = false;
let again = false;

/** Asks for the figures; calls that come close together are one. */
export async function refreshAccount(): Promise<void> {
  if (asking) {
    again = true;
    return;
  }
  const who = address.value;
  if (who === null) return;
  asking = true;
  try {
    if (account.value === null && (await info<{ role: string }>({ type: "userRole", user: who })).role === "missing") {
      if (who === address.value) absent.value = "unknown";
      return;
    }
    const [view, held] = await Promise.all([
      v1<Account>(`/accounts/${who}`),
      v1<{ positions: Position[] }>(`/accounts/${who}/positions`),
    ]);
    if (who === address.value) {
      account.value = view;
      positions.value = held.positions;
      absent.value = null;
    }
  } catch (error) {
    if (who === address.value) absent.value = (error as Error).message;
  } finally {
    setTimeout(() => {
      asking = false;
      if (again) {
        again = false;
        void refreshAccount();
      }
    }, GAP_MS);
  }
}

function clear(): void {
  account.value = null;
  absent.value = null;
  positions.value = [];
  orders.value = [];
  fills.value = [];
  fundings.value = [];
  ledger.value = [];
  twaps.value = [];
  assetData.value = null;
}

/** Newest first, each once. */
function merged<T>(old: T[], data: { isSnapshot?: boolean }, news: T[], identity: (one: T) => unknown, time: (one: T) => number): T[] {
  const known = new Set<unknown>();
  const all = data.isSnapshot ? news : [...news, ...old];
  const once = all.filter((one) => !known.has(identity(one)) && known.add(identity(one)));
  return once.sort((one, other) => time(other) - time(one)).slice(0, ROWS_MOST);
}

function follow(user: string): () => void {
  const ends = [
    subscribe({ type: "clearinghouseState", user }, () => void refreshAccount()),
    subscribe({ type: "openOrders", user }, (data: { orders: Order[] }) => {
      orders.value = [...data.orders].sort((one, other) => other.timestamp - one.timestamp);
    }),
    subscribe({ type: "userFills", user }, (data) => {
      fills.value = merged(fills.value, data, data.fills as Fill[], (one) => `${one.tid}${one.side}`, (one) => one.time);
    }),
    subscribe({ type: "userFundings", user }, (data) => {
      fundings.value = merged(fundings.value, data, data.fundings as Funding[], (one) => `${one.time}${one.coin}`, (one) => one.time);
    }),
    subscribe({ type: "userNonFundingLedgerUpdates", user }, (data) => {
      const news = data.nonFundingLedgerUpdates as Happening[];
      ledger.value = merged(ledger.value, data, news, (one) => one.hash + JSON.stringify(one.delta), (one) => one.time);
    }),
    subscribe({ type: "twapStates", user }, (data: { states: TwapRun[] }) => {
      twaps.value = data.states;
    }),
    subscribe({ type: "notification", user }, (data: { notification: string }) => tell("warn", data.notification)),
  ];
  void refreshAccount();
  return () => ends.forEach((end) => end());
}

export function startAccount(): void {
  effect(() => {
    const user = address.value;
    clear();
    return user === null ? undefined : follow(user);
  });
  effect(() => {
    const [user, name] = [address.value, coin.value];
    assetData.value = null;
    if (user === null) return undefined;
    return subscribe({ type: "activeAssetData", user, coin: name }, (data: AssetData) => {
      assetData.value = data;
    });
  });
  connections.subscribe((count) => {
    if (count > 1) void refreshAccount();
  });
}

export const assetOf = (name: string): number => marketOf(name)?.market ?? -1;
