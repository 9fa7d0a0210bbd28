// The websocket: subscriptions that outlive a connection. After a break everything is subscribed again, and each
// stream begins with what it starts from, so that nobody loses their place.
import { signal } from "@preact/signals";

export type Subscription = { type: string; coin?: string; user?: string; interval?: string };
type Handler = (data: any) => void;

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 5_000;
const PING_MS = 20_000;
const SILENCE_MS = 45_000;

/** live; connecting: at first; broken: was there, is being sought. */
export const link = signal<"connecting" | "live" | "broken">("connecting");
/** How often a connection was made: 1 at first, one more after each break. */
export const connections = signal(0);

const wanted = new Map<string, { subscription: Subscription; handlers: Set<Handler> }>();
let socket: WebSocket | null = null;
let wait = FIRST_WAIT_MS;
let heard = 0;

function keyOf(subscription: Subscription): string {
  return `${subscription.type}|${subscription.coin ?? ""}|${(subscription.user ?? "").toLowerCase()}|${subscription.interval ?? ""}`;
}

/** Where a message goes: its channel with the coin, interval or user that it names. */
function matches(subscription: Subscription, channel: string, data: any): boolean {
  if (subscription.type !== channel) return false;
  if (subscription.interval) return data.i === subscription.interval && data.s === subscription.coin;
  if (channel === "trades") return Array.isArray(data) && (data.length === 0 || data[0].coin === subscription.coin);
  if (subscription.coin && data.coin !== undefined && data.coin !== subscription.coin) return false;
  const user = data.user as string | undefined;
  return !(subscription.user && user && user.toLowerCase() !== subscription.user.toLowerCase());
}

function send(message: unknown): void {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

/** Follows a stream; what is returned ends that. */
export function subscribe(subscription: Subscription, handler: Handler): () => void {
  const key = keyOf(subscription);
  const known = wanted.get(key);
  if (known) {
    known.handlers.add(handler);
    send({ method: "unsubscribe", subscription });
    send({ method: "subscribe", subscription }); // so that the newcomer hears what the stream starts from
  } else {
    wanted.set(key, { subscription, handlers: new Set([handler]) });
    send({ method: "subscribe", subscription });
  }
  return () => {
    const entry = wanted.get(key);
    if (!entry) return;
    entry.handlers.delete(handler);
    if (entry.handlers.size === 0) {
      wanted.delete(key);
      send({ method: "unsubscribe", subscription });
    }
  };
}

function heardFrom(event: MessageEvent<string>): void {
  heard = Date.now();
  const message = JSON.parse(event.data) as { channel: string; data: any };
  for (const { subscription, handlers } of wanted.values()) {
    if (message.data != null && matches(subscription, message.channel, message.data)) {
      for (const handler of handlers) handler(message.data);
    }
  }
}

function opened(): void {
  wait = FIRST_WAIT_MS;
  heard = Date.now();
  link.value = "live";
  connections.value += 1;
  for (const { subscription } of wanted.values()) send({ method: "subscribe", subscription });
}

function lost(): void {
  socket = null;
  if (connections.value > 0) link.value = "broken";
  setTimeout(connect, wait);
  wait = Math.min(LONGEST_WAIT_MS, wait * 2);
}

function connect(): void {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  socket = new WebSocket(`${scheme}://${location.host}/ws`);
  socket.onopen = opened;
  socket.onmessage = heardFrom;
  socket.onclose = lost;
}

/** Connects, and stays connected for as long as the page lives. */
export function startSocket(): void {
  connect();
  setInterval(() => {
    if (link.value !== "live") return;
    if (Date.now() - heard > SILENCE_MS) socket?.close();
    else send({ method: "ping" });
  }, PING_MS);
}
