// The market that is shown: its name with a list to choose another, its prices, its funding.
import { signal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { grouped, priceDecimals, rounded, share, span, usd } from "../parts/decimal";
import { Num } from "../parts/num";
import { type Column, Table } from "../parts/table";
import { ahead, choose, coin, context, contexts, market, markets } from "../state/venue";
import type { Context, Market } from "../wire/types";

const open = signal(false);
const sought = signal("");
const now = signal(Date.now());
setInterval(() => {
  now.value = Date.now();
}, 1_000);

export const priceText = (text: string, sizeDecimals: number): string => grouped(rounded(text, priceDecimals(Number(text), sizeDecimals)));

function Change({ of }: { of: Context }) {
  const [last, before] = [Number(of.markPx), Number(of.prevDayPx)];
  const move = before ? (last - before) / before : 0;
  return (
    <span class={`num ${move < 0 ? "bad" : "good"}`}>
      {move >= 0 ? "+" : ""}
      {share(move.toFixed(6))}
    </span>
  );
}

const Name = ({ of }: { of: Market }) => (
  <>
    <button type="button" class="plain" aria-current={of.coin === coin.value}>
      {of.coin}
    </button>
    {of.status === "active" ? null : <span class="badge warn">{of.status.replace("_", " ")}</span>}
    {of.breaker === "normal" ? null : <span class="badge warn">breaker {of.breaker}</span>}
  </>
);

/** Of the market's context; a dash until there is one. */
const live = (show: (context: Context, one: Market) => preact.ComponentChildren) => (one: Market) => {
  const context = contexts.value[one.market];
  return context ? show(context, one) : "–";
};


const COLUMNS: Column<Market>[] = [
  { head: "Market", of: (one) => <Name of={one} /> },
  { head: "Mark", of: live((context, one) => priceText(context.markPx, one.size_decimals)) },
  { head: "24h change", of: live((context) => <Change of={context} />) },
  { head: "Funding, 1h", of: live((context) => share(context.funding, 4)) },
  { head: "24h volume", of: live((context) => usd(context.dayNtlVlm, 0)) },
  { head: "Open interest", of: (one) => usd(one.open_interest_usd, 0) },
  { head: "Max leverage", of: (one) => `${one.max_leverage}×` },
];

function List() {
  const box = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => box.current?.focus(), []);
  const close = (): void => {
    open.value = false;
    sought.value = "";
  };
  const found = markets.value.filter((one) => one.coin.toLowerCase().includes(sought.value.toLowerCase()));
  return (
    <div
      class="market-list panel"
      onKeyDown={(event) => {
        if (event.key === "Escape") close();
      }}
    >
      <input
        ref={box}
        type="search"
        aria-label="Search markets"
        placeholder="Search markets"
        value={sought.value}
        onInput={(event) => {
          sought.value = event.currentTarget.value;
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter" && found[0]) {
            choose(found[0].coin);
            close();
          }
        }}
      />
      <Table
        label="Markets"
        columns={COLUMNS}
        rows={found}
        keyOf={(one) => one.coin}
        rowOf={(one) => ({
          class: one.coin === coin.value ? "chosen" : "",
          onClick: () => {
            choose(one.coin);
            close();
          },
        })}
        empty="No market has this name."
      />
    </div>
  );
}

function Stat({ label, children }: { label: string; children: preact.ComponentChildren }) {
  return (
    <div class="stat">
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}

export function MarketBar() {
  const [here, at] = [market.value, context.value];
  const places = at && here ? priceDecimals(Number(at.markPx), here.size_decimals) : 2;
  return (
    <section class="panel market-bar" aria-label="Market">
      <button type="button" class="market-name" aria-expanded={open.value} aria-haspopup="true" onClick={() => (open.value = !open.value)}>
        {coin.value}
        <small>-USD</small> <span aria-hidden="true">▾</span>
      </button>
      {open.value ? <List /> : null}
      <div class="stats" tabIndex={0} role="group" aria-label="Market figures">
        <dl>
        <Stat label="Mark">
          <Num v={at?.markPx} d={places} name="mark" />
        </Stat>
        <Stat label="Oracle">
          <Num v={at?.oraclePx} d={places} name="oracle" />
        </Stat>
        <Stat label="24h change">{at ? <Change of={at} /> : "–"}</Stat>
        <Stat label="24h volume">
          <Num v={at?.dayNtlVlm} d={0} />
        </Stat>
        <Stat label="Open interest">
          <Num v={here?.open_interest_usd} d={0} />
        </Stat>
        <Stat label="Funding, 1h">
          <Num v={at?.funding} d={4} as="share" tone />{" "}
          <span class="muted">{here ? span(here.next_funding - now.value - ahead.value) : ""}</span>
        </Stat>
        {here && here.status !== "active" ? (
          <Stat label="Status">
            <span class="badge warn">{here.status.replace("_", " ")}</span>
          </Stat>
        ) : null}
        {here && here.breaker !== "normal" ? (
          <Stat label="Breaker">
            <span class="badge warn">{here.breaker}</span>
          </Stat>
        ) : null}
        {here && !here.is_fresh ? (
          <Stat label="Price">
            <span class="badge warn">stale</span>
          </Stat>
        ) : null}
        </dl>
      </div>
    </section>
  );
}
