// Open positions, and what can be done with each.
import { signal } from "@preact/signals";
import { rounded } from "../parts/decimal";
import { Num } from "../parts/num";
import { bucketOf, orders, positions } from "../state/account";
import { tried } from "../state/told";
import { marketOf } from "../state/venue";
import { canTrade } from "../wire/session";
import type { Position } from "../wire/types";
import { Coin, Price, Table } from "./tables";
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

function Row({ one }: { one: Position }) {
  const decimals = marketOf(one.coin)?.size_decimals ?? 4;
  const bucket = bucketOf(one);
  const isIsolated = one.bucket !== "cross";
  return (
    <tr data-position={one.coin} class={one.is_being_liquidated ? "danger" : ""}>
      <td>
        <Coin coin={one.coin} />{" "}
        <span class={one.side === "long" ? "good" : "bad"}>
          {one.leverage}× {one.side}
        </span>
        <span class="badge">{isIsolated ? "isolated" : "cross"}</span>
        {one.is_being_liquidated ? <span class="badge warn">in liquidation</span> : null}
      </td>
      <td>
        <Num v={one.size} d={decimals} name="size" />
      </td>
      <td>
        <Num v={one.value} name="value" />
      </td>
      <td>
        <Price coin={one.coin} v={one.entry_price} name="entry_price" />
      </td>
      <td>
        <Price coin={one.coin} v={one.mark} name="mark" />
      </td>
      <td>
        <Num v={one.unrealised} tone sign name="unrealised" /> <small class="muted">{returned(one) ? `${rounded((Number(returned(one)) * 100).toFixed(6), 1)}%` : ""}</small>
      </td>
      <td class="liq">
        <Price coin={one.coin} v={one.liquidation_price} name="liquidation_price" />{" "}
        {one.distance === null ? null : (
          <small class="muted">
            <Num v={one.distance} as="share" d={1} />
          </small>
        )}
      </td>
      <td>
        <Num v={isIsolated && bucket ? bucket.equity : one.initial} name="margin" />
      </td>
      <td>
        <Num v={one.pending_funding} d={4} tone />
      </td>
      <td>{stopsOf(one)}</td>
      <td>
        <Deeds of={one} />
      </td>
    </tr>
  );
}

const HEADS = ["Market", "Size", "Value", "Entry", "Mark", "Unrealised", "Liq. price", "Margin", "Funding", "TP / SL", ""];

export function Positions() {
  const now = doing.value;
  const current = now && (positions.value.find((one) => isSame(one, now.position)) ?? null);
  return (
    <>
      <Table heads={HEADS} empty="No open positions.">
        {positions.value.map((one) => (
          <Row key={one.coin + one.bucket} one={one} />
        ))}
      </Table>
      {now && current && now.deed === "stops" ? <StopsDialog of={current} close={leaveDialog} /> : null}
      {now && current && now.deed === "margin" ? <MarginDialog of={current} close={leaveDialog} /> : null}
      {now && current && now.deed === "mode" ? <ModeDialog of={current} close={leaveDialog} /> : null}
    </>
  );
}
