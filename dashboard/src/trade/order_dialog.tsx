// Another price for an order: what dragging its line does, by keyboard.
import { useSignal } from "@preact/signals";
import { Dialog } from "../parts/dialog";
import { Line, Num } from "../parts/num";
import { tried } from "../state/told";
import { marketOf } from "../state/venue";
import { Refusal } from "../wire/http";
import type { Order } from "../wire/types";
import { moveOrder } from "./lines";
import { Field } from "./ticket";

export function OrderDialog({ of, close }: { of: Order; close: () => void }) {
  const price = useSignal((of.isTrigger ? of.triggerPx : of.limitPx).replace(/\.0$/, ""));
  const send = async (event: Event): Promise<void> => {
    event.preventDefault();
    const went = await tried(() => {
      if (!(Number(price.value) > 0)) throw new Refusal("ticket", "Enter a price.");
      return moveOrder(of, Number(price.value));
    });
    if (went) close();
  };
  return (
    <Dialog title={`Change an order of ${of.coin}`} close={close}>
      <dl class="lines">
        <Line label="Order">
          {of.side === "B" ? "Buy" : "Sell"} {of.orderType}
        </Line>
        <Line label="Left">{of.isPositionTpsl ? "whole position" : <Num v={of.sz} d={marketOf(of.coin)?.size_decimals ?? 4} />}</Line>
      </dl>
      <form onSubmit={(event) => void send(event)}>
        <Field label={of.isTrigger ? "New trigger" : "New price"} of={price} unit="USD" />
        <button type="submit" class="main">
          Change
        </button>
      </form>
    </Dialog>
  );
}
