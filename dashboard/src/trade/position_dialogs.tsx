// Dialogs of one position: its stops, its isolated margin, its margin mode.
import { useSignal } from "@preact/signals";
import { cut } from "../parts/decimal";
import { Dialog } from "../parts/dialog";
import { Line, Num } from "../parts/num";
import { bucketOf, cross, refreshAccount } from "../state/account";
import { tried } from "../state/told";
import { marketOf } from "../state/venue";
import { useWhatIf } from "../state/what_if";
import { isolatedMargin, movePosition, place, triggerOrder } from "../wire/actions";
import { Refusal } from "../wire/http";
import { address } from "../wire/session";
import type { Position } from "../wire/types";
import { Verdict } from "./preview";
import { Price } from "./tables";
import { Field } from "./ticket";

type Props = { of: Position; close: () => void };
const MICRO = 1_000_000;

function Facts({ of }: { of: Position }) {
  return (
    <dl class="lines">
      <Line label="Position">
        <Num v={of.size} d={marketOf(of.coin)?.size_decimals ?? 4} /> {of.coin} {of.side}
      </Line>
      <Line label="Mark">
        <Price coin={of.coin} v={of.mark} />
      </Line>
      <Line label="Entry">
        <Price coin={of.coin} v={of.entry_price} />
      </Line>
      <Line label="Liquidation price">
        <Price coin={of.coin} v={of.liquidation_price} />
      </Line>
    </dl>
  );
}

/** A stop beyond the liquidation price never fires first. */
function beyond(of: Position, stop: string): boolean {
  const [at, liquidation] = [Number(stop), Number(of.liquidation_price)];
  if (!(at > 0) || of.liquidation_price === null) return false;
  return of.side === "long" ? at <= liquidation : at >= liquidation;
}

export function StopsDialog({ of, close }: Props) {
  const [take, stop] = [useSignal(""), useSignal("")];
  const send = async (event: Event): Promise<void> => {
    event.preventDefault();
    const asset = marketOf(of.coin)!.market;
    const isBuy = of.side === "short";
    const made = [
      ...(Number(take.value) > 0 ? [triggerOrder(asset, isBuy, of.size, true, { kind: "tp", price: take.value, limit: null })] : []),
      ...(Number(stop.value) > 0 ? [triggerOrder(asset, isBuy, of.size, true, { kind: "sl", price: stop.value, limit: null })] : []),
    ];
    const went = await tried(() => {
      if (made.length === 0) throw new Refusal("ticket", "Enter a take profit or a stop.");
      return place(made, "positionTpsl");
    });
    if (went) close();
  };
  return (
    <Dialog title={`TP / SL of ${of.coin}`} close={close}>
      <Facts of={of} />
      <form onSubmit={(event) => void send(event)}>
        <Field label="Take profit" of={take} unit="USD" />
        <Field label="Stop loss" of={stop} unit="USD" />
        {beyond(of, stop.value) ? <p class="why bad">The stop is beyond the liquidation price: the position would be liquidated before it fires.</p> : null}
        <p class="why">Both close the whole position, whatever its size is then, at the market.</p>
        <button type="submit" class="main">
          Set
        </button>
      </form>
    </Dialog>
  );
}

export function MarginDialog({ of, close }: Props) {
  const amount = useSignal("");
  const bucket = bucketOf(of);
  const send = (sign: 1 | -1) => async (): Promise<void> => {
    const asset = marketOf(of.coin)!.market;
    const went = await tried(async () => {
      const micro = Math.round(Number(amount.value) * MICRO);
      if (!(micro > 0)) throw new Refusal("ticket", "Enter an amount.");
      await isolatedMargin(asset, sign * micro);
      void refreshAccount();
      return `${sign > 0 ? "Added" : "Removed"} ${amount.value} USD`;
    });
    if (went) close();
  };
  return (
    <Dialog title={`Isolated margin of ${of.coin}`} close={close}>
      <Facts of={of} />
      <dl class="lines">
        <Line label="Margin of the position" help="Equity of its bucket">
          <Num v={bucket?.equity} name="isolated-equity" />
        </Line>
        <Line label="May be removed">
          <Num v={bucket?.withdrawable} />
        </Line>
        <Line label="Free in cross">
          <Num v={cross.value?.withdrawable} />
        </Line>
      </dl>
      <Field label="Amount" of={amount} unit="USD" />
      <div class="pair">
        <button type="button" class="main" onClick={() => void send(1)()}>
          Add
        </button>
        <button type="button" class="main" onClick={() => void send(-1)()}>
          Remove
        </button>
      </div>
    </Dialog>
  );
}

export function ModeDialog({ of, close }: Props) {
  const isCross = of.bucket === "cross";
  const amount = useSignal(cut(of.initial, 2));
  const move = { coin: of.coin, margin_mode: isCross ? "isolated" : "cross", ...(isCross ? { margin: amount.value || "0" } : {}) };
  const seen = useWhatIf(address.value, { margin_mode: move });
  const send = async (): Promise<void> => {
    const asset = marketOf(of.coin)!.market;
    const went = await tried(async () => {
      await movePosition(asset, !isCross, amount.value || "0");
      void refreshAccount();
      return `${of.coin} is ${isCross ? "isolated" : "cross"} now`;
    });
    if (went) close();
  };
  const told = seen.told.value;
  const after = told?.after.positions.find((one) => one.coin === of.coin);
  const chance = seen.chances.value?.after.buckets.find((one) => one.bucket === after?.bucket);
  return (
    <Dialog title={`${of.coin}: ${isCross ? "cross to isolated" : "isolated to cross"}`} close={close}>
      <Facts of={of} />
      {isCross ? <Field label="Margin" of={amount} unit="USD" /> : <p class="why">All of its margin goes back to cross with it.</p>}
      <dl class="lines">
        <Line label="Liquidation price after">
          <Price coin={of.coin} v={after?.liquidation_price ?? null} />
        </Line>
        <Line label="Liquidated within 24h, after">
          <Num v={chance?.probabilities.hours_24} as="share" />
        </Line>
      </dl>
      {told ? <Verdict told={told} /> : null}
      {seen.error.value ? <p class="why bad">{seen.error.value.message}</p> : null}
      <button type="button" class="main" onClick={() => void send()}>
        Move the position
      </button>
    </Dialog>
  );
}
