// How the system is: breakers and their inputs, open interest against caps, funds, and who would be liquidated where.
import { effect, signal } from "@preact/signals";
import { Card, Scroll } from "../parts/card";
import { share, span, usd } from "../parts/decimal";
import { Plot } from "../parts/plot";
import { useAsked } from "../state/asked";
import { coin, market } from "../state/venue";
import { subscribe } from "../wire/socket";
import type { Book, Level } from "../wire/types";
import { AtRisk, Proposals, RiskEngine } from "./engine";
import { Behind, type Funds, Markets, System } from "./markets";
import { Policy } from "./policy";

type Curve = { coin: string; mark: string; points: { move: string; price: string; longs: string; shorts: string; buckets: number }[] };
type FeedCoin = { coin: string; state: string; price: string; age_ms: number | null; deviation_ppm: number | null };
type Feed = { name: string; is_perp: boolean; problem: string; coins: FeedCoin[] };
const DEPTHS = [0.001, 0.005, 0.01, 0.02];

function CurveCard() {
  const { answer, error } = useAsked<Curve>(`/markets/${coin.value}/liquidations`, 8_000);
  const told = answer.value;
  const points = told?.points ?? [];
  return (
    <Card title={`Liquidations of ${coin.value} at price`} note="notional below maintenance if the mark went there at once, nothing else moving" wide>
      {error.value ? <p class="why bad">{error.value}</p> : null}
      {told ? (
        <Plot
          key={told.coin}
          name={`Liquidations of ${told.coin} by move of the mark`}
          x={points.map((one) => Number(one.move))}
          xLabel={(value) => share(value.toFixed(4), 0)}
          yLabel={(value) => usd(value.toFixed(0), 0)}
          series={[
            { label: "Longs, USD", tone: "bad", fill: "bad-faint", values: points.map((one) => Number(one.longs)) },
            { label: "Shorts, USD", tone: "good", fill: "good-faint", values: points.map((one) => Number(one.shorts)) },
          ]}
        />
      ) : null}
    </Card>
  );
}

const book = signal<Book | null>(null);

/** Follows the book of the chosen market while the page is shown. */
export function startDepth(): void {
  effect(() => {
    const name = coin.value;
    book.value = null;
    return subscribe({ type: "l2Book", coin: name }, (data: Book) => {
      book.value = data;
    });
  });
}

function within(levels: Level[], mid: number, reach: number): number {
  const near = levels.filter((one) => Math.abs(Number(one.px) / mid - 1) <= reach);
  return near.reduce((sum, one) => sum + Number(one.px) * Number(one.sz), 0);
}

function Depth() {
  const [bids, asks] = book.value?.levels ?? [[], []];
  const mid = bids[0] && asks[0] ? (Number(bids[0].px) + Number(asks[0].px)) / 2 : 0;
  return (
    <Card title={`Depth of ${coin.value}`} note="of the 20 best levels a side, USD">
      {mid ? (
        <table class="table">
          <thead>
            <tr>
              {["Within", "Bids", "Asks"].map((head) => (
                <th key={head} scope="col">
                  {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {DEPTHS.map((reach) => (
              <tr key={reach}>
                <td>{share(String(reach), 1)}</td>
                <td>{usd(within(bids, mid, reach).toFixed(2), 0)}</td>
                <td>{usd(within(asks, mid, reach).toFixed(2), 0)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : (
        <p class="empty">One side of the book is empty.</p>
      )}
    </Card>
  );
}

function Inputs() {
  const { answer } = useAsked<{ feeds: Feed[] }>("/feeds", 4_000);
  const all = answer.value?.feeds ?? [];
  const rows = all.flatMap((feed) => feed.coins.filter((one) => one.coin === coin.value).map((one) => ({ feed, one })));
  return (
    <Card title={`Sources of ${coin.value}`} note="inputs of the index, the mark and the breaker">
      <Scroll label="Sources">
        <table class="table">
          <thead>
            <tr>
              {["Source", "Speaks for", "State", "Price", "Age", "Off index"].map((head) => (
                <th key={head} scope="col">
                  {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ feed, one }) => (
              <tr key={feed.name}>
                <td title={feed.problem}>{feed.name}</td>
                <td>{feed.is_perp ? "mark" : "index"}</td>
                <td class={one.state === "ok" ? "good" : "warn"}>{one.state}</td>
                <td>{one.price}</td>
                <td>{one.age_ms === null ? "–" : span(one.age_ms)}</td>
                <td>{one.deviation_ppm === null ? "–" : `${(one.deviation_ppm / 10_000).toFixed(3)}%`}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      {rows.length === 0 ? <p class="empty">No feed tells of this market.</p> : null}
    </Card>
  );
}

export function RiskPage() {
  const { answer } = useAsked<Funds>("/funds", 5_000);
  return (
    <div class="cards">
      <h1 class="hidden">Risk</h1>
      <System funds={answer.value} />
      <Behind funds={answer.value} />
      <Markets funds={answer.value} />
      <RiskEngine />
      <AtRisk />
      {market.value ? (
        <>
          <CurveCard />
          <Depth />
          <Inputs />
          <Proposals />
          <Policy name={market.value.coin} />
        </>
      ) : null}
    </div>
  );
}
