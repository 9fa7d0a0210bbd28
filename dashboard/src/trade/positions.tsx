// Open positions, and what can be done with each.
import { signal } from "@preact/signals";
import { rounded } from "../parts/decimal";
import { Num } from "../parts/num";
import { type Column, Table } from "../parts/table";
import { bucketOf, orders, positions } from "../state/account";
import { tried } from "../state/told";
import { marketOf } from "../state/venue";
import { canTrade } from "../wire/session";
import type { Position } from "../wire/types";
import { Coin, Price } from "./tables";
import { closePosition } from "./ticket_state";
import { MarginDialog, ModeDialog, StopsDialog } from "./position_dialogs";

type Deed = "stops" | "margin" | "mode" | "close";
const doing = signal<{ deed: Deed; position: Position } | null>(null);

const isSame = (one: Position, other: Position): boolean => one.coin === other.coin && one.bucket === other.bucket;
export const leaveDialog = (): void => {
  doing.value = null;
};

/** Profit over the margin behind it, as a share. */
function returned(position: Position): string | null {
  const margin = Number(position.initial);
  return margin > 0 ? (Number(position.unrealised) / margin).toFixed(6) : null;
}

function stopsOf(position: Position): string {
  const closing = position.side === "long" ? "A" : "B";
  const found = orders.value.filter((one) => one.coin === position.coin && one.isTrigger && one.reduceOnly && one.side === closing);
  const price = (word: string): string => found.find((one) => one.orderType.startsWith(word))?.triggerPx.replace(/\.0$/, "") ?? "–";
  return `${price("Take")} / ${price("Stop")}`;
}

function Deeds({ of }: { of: Position }) {
  if (!canTrade.value) return null;
  const here = marketOf(of.coin)!;
  const button = (deed: Deed, name: string) => (
    <button type="button" class="quiet small" onClick={() => (doing.value = { deed, position: of })} aria-label={`${name}: ${of.coin}`}>
      {name}
    </button>
  );
  return (
    <div class="deeds">
      {button("stops", "TP/SL")}
      {of.bucket === "cross" ? null : button("margin", "Margin ±")}
      {button("mode", of.bucket === "cross" ? "To isolated" : "To cross")}
      <button
        type="button"
        class="quiet small"
        aria-label={`Close: ${of.coin}`}
        onClick={() => void tried(() => closePosition(here, of.side === "long", of.size, of.mark))}
      >
        Close
      </button>
    </div>
  );
}

const Held = ({ of }: { of: Position }) => (
  <>
    <Coin coin={of.coin} />{" "}
    <span class={of.side === "long" ? "good" : "bad"}>
      {of.leverage}× {of.side}
    </span>
    <span class="badge">{of.bucket === "cross" ? "cross" : "isolated"}</span>
    {of.is_being_liquidated ? <span class="badge warn">in liquidation</span> : null}
  </>
);

const Unrealised = ({ of }: { of: Position }) => {
  const share = returned(of);
  return (
    <>
      <Num v={of.unrealised} tone sign name="unrealised" /> <small class="muted">{share ? `${rounded((Number(share) * 100).toFixed(6), 1)}%` : ""}</small>
    </>
  );
};

const Liquidation = ({ of }: { of: Position }) => (
  <>
    <Price coin={of.coin} v={of.liquidation_price} name="liquidation_price" />{" "}
    {of.distance === null ? null : (
      <small class="muted">
        <Num v={of.distance} as="share" d={1} />
      </small>
    )}
  </>
);

const FundingOf = ({ of }: { of: Position }) => (
  <>
    <Num v={of.pending_funding} tone /> /{" "}
    <Num v={of.funding_ahead.hours_8} tone name="funding_8h" />
  </>
);

const marginOf = (one: Position): string => (one.bucket === "cross" ? one.initial : (bucketOf(one)?.equity ?? one.initial));

const COLUMNS: Column<Position>[] = [
  { head: "Market", of: (one) => <Held of={one} /> },
  { head: "Size", of: (one) => <Num v={one.size} d={marketOf(one.coin)?.size_decimals ?? 4} name="size" /> },
  { head: "Value", of: (one) => <Num v={one.value} name="value" /> },
  { head: "Entry", of: (one) => <Price coin={one.coin} v={one.entry_price} name="entry_price" /> },
  { head: "Mark", of: (one) => <Price coin={one.coin} v={one.mark} name="mark" /> },
  { head: "Unrealised", of: (one) => <Unrealised of={one} /> },
  { head: "Liq. price", look: "liq", of: (one) => <Liquidation of={one} /> },
  { head: "Margin", of: (one) => <Num v={marginOf(one)} name="margin" /> },
  { head: "Funding, 8h", help: "Earned and not settled yet, and to come within 8 hours at the rate predicted now; below 0: owed", of: (one) => <FundingOf of={one} /> },
  { head: "TP / SL", of: stopsOf },
  { head: null, hidden: "What can be done", of: (one) => <Deeds of={one} /> },
];

export function Positions() {
  const now = doing.value;
  const current = now && (positions.value.find((one) => isSame(one, now.position)) ?? null);
  return (
    <>
      <Table
        columns={COLUMNS}
        rows={positions.value}
        keyOf={(one) => one.coin + one.bucket}
        rowOf={(one) => ({ class: one.is_being_liquidated ? "danger" : "", "data-position": one.coin })}
        empty="No open positions."
      />
      {now && current && now.deed === "stops" ? <StopsDialog of={current} close={leaveDialog} /> : null}
      {now && current && now.deed === "margin" ? <MarginDialog of={current} close={leaveDialog} /> : null}
      {now && current && now.deed === "mode" ? <ModeDialog of={current} close={leaveDialog} /> : null}
    </>
  );
}
