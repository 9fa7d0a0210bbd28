// How the system is: breakers and their inputs, open interest against caps, funds, and who would be liquidated where.
import { effect, signal } from "@preact/signals";
import { Card } from "../parts/card";
import { share, span, usd } from "../parts/decimal";
import { Num } from "../parts/num";
import { Plot } from "../parts/plot";
import { type Column, Table } from "../parts/table";
import { Weights } from "./weights";
import { useAsked } from "../state/asked";
import { coin, market } from "../state/venue";
import { subscribe } from "../wire/socket";
import type { Book, Level } from "../wire/types";
import { AtRisk, Proposals, RiskEngine } from "./engine";
import { Behind, type Funds, Markets, System } from "./markets";
import { PastCard } from "./past";
import { Policy } from "./policy";
import { QueueCard } from "./queue";

type Exposure = { coin: string; mark: string; curve: { move: string; price: string; longs: string; shorts: string; accounts: number }[]; cascades: Cascade[] };
type Cascade = { move: string; first: number; liquidated: number; impact: string };
type FeedCoin = { coin: string; state: string; price: string; age_ms: number | null; deviation_ppm: number | null };
type Feed = { name: string; is_perp: boolean; problem: string; coins: FeedCoin[] };
const DEPTHS = [0.001, 0.005, 0.01, 0.02];

const CASCADES: Column<Cascade>[] = [
  { head: "Move of the index", of: (one) => share(one.move, 0) },
  { head: "Liquidatable there", of: (one) => one.first.toLocaleString("en") },
  { head: "In the end", help: "With those whom the forced orders bring down", of: (one) => one.liquidated.toLocaleString("en") },
  { head: "Forced orders add", of: (one) => <Num v={one.impact} as="share" d={2} tone /> },
];

function CurveCard() {
  const { answer, error } = useAsked<Exposure>(`/risk/exposure/${coin.value}`, 8_000);
  const told = answer.value;
  const points = told?.curve ?? [];
  return (
    <Card title={`Liquidations of ${coin.value} at price`} note="notional, at the marks of now, that is below maintenance if the mark went there at once, nothing else moving" wide>
      {error.value ? <p class="why bad">{error.value}</p> : null}
      {told && points.length === 0 ? <p class="empty">Nobody has a position.</p> : null}
      {told && points.length ? (
        <>
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
          <Table label="Cascades" columns={CASCADES} rows={told.cascades} keyOf={(one) => one.move} empty="Cascades are told once the depth of every book has been seen." />
        </>
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
      <Table
        columns={[
          { head: "Within", of: (reach) => share(String(reach), 1) },
          { head: "Bids", of: (reach) => usd(within(bids, mid, reach).toFixed(2), 0) },
          { head: "Asks", of: (reach) => usd(within(asks, mid, reach).toFixed(2), 0) },
        ]}
        rows={mid ? DEPTHS : []}
        keyOf={(reach) => reach}
        empty="One side of the book is empty."
      />
    </Card>
  );
}

type Input = { feed: Feed; one: FeedCoin };
const INPUTS: Column<Input>[] = [
  { head: "Source", of: ({ feed }) => <span title={feed.problem}>{feed.name}</span> },
  { head: "Speaks for", of: ({ feed }) => (feed.is_perp ? "mark" : "index") },
  { head: "State", look: ({ one }) => (one.state === "ok" ? "good" : "warn"), of: ({ one }) => one.state },
  { head: "Price", of: ({ one }) => one.price },
  { head: "Age", of: ({ one }) => (one.age_ms === null ? "–" : span(one.age_ms)) },
  { head: "Off index", of: ({ one }) => (one.deviation_ppm === null ? "–" : `${(one.deviation_ppm / 10_000).toFixed(3)}%`) },
];

function Inputs() {
  const { answer } = useAsked<{ feeds: Feed[] }>("/feeds", 4_000);
  const all = answer.value?.feeds ?? [];
  const rows = all.flatMap((feed) => feed.coins.filter((one) => one.coin === coin.value).map((one) => ({ feed, one })));
  return (
    <Card title={`Sources of ${coin.value}`} note="inputs of the index, the mark and the breaker">
      <Table label="Sources" columns={INPUTS} rows={rows} keyOf={({ feed }) => feed.name} empty="No feed tells of this market." />
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
      <Weights />
      <AtRisk />
      {market.value ? (
        <>
          <PastCard />
          <CurveCard />
          <Depth />
          <Inputs />
          <QueueCard />
          <Proposals />
          <Policy name={market.value.coin} />
        </>
      ) : null}
    </div>
  );
}
