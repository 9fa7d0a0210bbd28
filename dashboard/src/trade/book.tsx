// The order book and the last trades of the market that is shown.
import { effect, signal } from "@preact/signals";
import { clock, grouped, rounded } from "../parts/decimal";
import { Tabs } from "../parts/tabs";
import { paced } from "../state/pace";
import { coin, market } from "../state/venue";
import { subscribe } from "../wire/socket";
import type { Book, Level, Trade } from "../wire/types";
import { pick } from "./ticket_state";

const ROWS = 11;
const TRADES = 40;
const BOOK_MS = 125; // between two showings
const TRADES_MS = 250;
const book = signal<Book | null>(null);
const trades = signal<Trade[]>([]);
const shown = signal("book");

export function startBook(): void {
  effect(() => {
    const name = coin.value;
    book.value = null;
    trades.value = [];
    const known = new Set<number>();
    let fresh: Trade[] = [];
    const showBook = paced((data: Book) => {
      if (data.coin === coin.peek()) book.value = data;
    }, BOOK_MS);
    const showTrades = paced((_: null) => {
      trades.value = [...fresh, ...trades.peek()].sort((one, other) => other.time - one.time).slice(0, TRADES);
      fresh = [];
    }, TRADES_MS);
    const ends = [
      subscribe({ type: "l2Book", coin: name }, showBook),
      subscribe({ type: "trades", coin: name }, (data: Trade[]) => {
        const news = data.filter((one) => !known.has(one.tid));
        for (const one of news) known.add(one.tid);
        if (known.size > 2_000) known.clear();
        fresh = [...news.reverse(), ...fresh].slice(0, TRADES);
        if (news.length) showTrades(null);
      }),
    ];
    return () => {
      fresh = [];
      ends.forEach((end) => end());
    };
  });
}

function Side({ levels, side, most }: { levels: { level: Level; total: number }[]; side: "ask" | "bid"; most: number }) {
  const decimals = market.value?.size_decimals ?? 2;
  return (
    <>
      {levels.map(({ level, total }) => (
        <tr key={level.px} class={side} onClick={() => pick(level.px)}>
          <td>
            <button type="button" class="price" title="Put this price into the ticket">
              {grouped(level.px.replace(/\.0$/, ""))}
            </button>
          </td>
          <td>{rounded(level.sz, decimals)}</td>
          <td>
            <svg class="depth" aria-hidden="true" preserveAspectRatio="none" viewBox="0 0 100 1">
              <rect x={100 - (100 * total) / most} width={(100 * total) / most} height="1" />
            </svg>
            {total.toFixed(decimals)}
          </td>
        </tr>
      ))}
    </>
  );
}

function summed(levels: Level[]): { level: Level; total: number }[] {
  let total = 0;
  return levels.slice(0, ROWS).map((level) => ({ level, total: (total += Number(level.sz)) }));
}

function Ladder() {
  const now = book.value;
  if (now === null) return <p class="empty">Waiting for the book …</p>;
  const [bids, asks] = [summed(now.levels[0]), summed(now.levels[1])];
  const most = Math.max(bids.at(-1)?.total ?? 0, asks.at(-1)?.total ?? 0, 1e-12);
  const [bid, ask] = [Number(bids[0]?.level.px ?? 0), Number(asks[0]?.level.px ?? 0)];
  const gap = bid && ask ? ask - bid : null;
  return (
    <table class="ladder">
      <thead>
        <tr>
          <th scope="col">Price</th>
          <th scope="col">Size</th>
          <th scope="col">Total</th>
        </tr>
      </thead>
      <tbody class="asks">
        <Side levels={asks.reverse()} side="ask" most={most} />
      </tbody>
      <tbody>
        <tr class="gap">
          <td>Spread</td>
          <td>{gap === null ? "–" : Number(gap.toPrecision(6))}</td>
          <td>{gap === null ? "–" : `${((100 * gap) / ask).toFixed(3)}%`}</td>
        </tr>
      </tbody>
      <tbody class="bids">
        <Side levels={bids} side="bid" most={most} />
      </tbody>
    </table>
  );
}

function Tape() {
  if (trades.value.length === 0) return <p class="empty">No trades yet.</p>;
  return (
    <table class="ladder">
      <thead>
        <tr>
          <th scope="col">Price</th>
          <th scope="col">Size</th>
          <th scope="col">Time</th>
        </tr>
      </thead>
      <tbody>
        {trades.value.map((one) => (
          <tr key={one.tid} class={one.side === "B" ? "bid" : "ask"}>
            <td class="price">{grouped(one.px.replace(/\.0$/, ""))}</td>
            <td>{one.sz}</td>
            <td class="muted">{clock(one.time)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function BookPanel() {
  return (
    <section class="panel book" aria-label="Order book and trades">
      <Tabs
        label="Order book or trades"
        tabs={[
          { id: "book", name: "Order book" },
          { id: "tape", name: "Trades" },
        ]}
        chosen={shown.value}
        choose={(id) => {
          shown.value = id;
        }}
      />
      <div class="scroll" role="tabpanel" tabIndex={0} aria-labelledby={`tab-${shown.value}`}>
        {shown.value === "book" ? <Ladder /> : <Tape />}
      </div>
    </section>
  );
}
