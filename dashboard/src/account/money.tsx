// Money out of the account: withdrawn, sent to somebody, or put beside margin. The owner's key signs each, never an
// agent's; what stands in the way is told before, and what the venue refuses is told in its own words.
import { signal, useSignal } from "@preact/signals";
import { Dialog } from "../parts/dialog";
import { stamp, usd } from "../parts/decimal";
import { Line, Num } from "../parts/num";
import { Tabs } from "../parts/tabs";
import { account, cross, refreshAccount } from "../state/account";
import { tell } from "../state/told";
import { useWhatIf } from "../state/what_if";
import { Field } from "../trade/ticket";
import { Verdict } from "../trade/preview";
import { moveClass, sendUsd, withdraw } from "../wire/actions";
import { Refusal } from "../wire/http";
import { session } from "../wire/session";
import type { Account } from "../wire/types";

type Way = "withdraw" | "send" | "out" | "in";
const WAYS: { id: Way; name: string; does: string }[] = [
  { id: "withdraw", name: "Withdraw", does: "Withdraw" },
  { id: "send", name: "Send", does: "Send" },
  { id: "out", name: "Out of margin", does: "Take out of margin" },
  { id: "in", name: "Into margin", does: "Put into margin" },
];
const open = signal(false);

const isAddress = (text: string): boolean => /^0x[0-9a-f]{40}$/.test(text);

/** What is known to stand in the way of a withdrawal; "" when nothing is. */
function obstacle(of: Account, amount: string): string {
  const gate = of.withdrawals;
  if (!gate.are_open) return gate.closed_until ? `Withdrawals are closed until ${stamp(gate.closed_until)}.` : "Withdrawals are closed: the venue is halted.";
  if (Number(amount) > Number(gate.limit_left)) return `The venue may pay out ${usd(gate.limit_left)} USD more in this hour and day, to all.`;
  return "";
}

async function done(way: Way, amount: string, target: string): Promise<string> {
  if (!(Number(amount) > 0)) throw new Refusal("money", "Enter an amount.");
  if ((way === "withdraw" || way === "send") && !isAddress(target)) throw new Refusal("money", "An address has 0x and 40 hex digits.");
  if (way === "withdraw") await withdraw(target, amount);
  else if (way === "send") await sendUsd(target, amount);
  else await moveClass(amount, way === "in");
  void refreshAccount();
  if (way === "withdraw") return `${amount} USD are on their way to ${target}`;
  if (way === "send") return `${amount} USD were sent to ${target}`;
  return `${amount} USD are ${way === "in" ? "in" : "outside"} margin now`;
}

function Room({ of, way }: { of: Account; way: Way }) {
  return (
    <dl class="lines">
      {way === "in" ? (
        <Line label="Outside margin" help="USD that no position touches">
          <Num v={of.outside_margin} name="money-outside" />
        </Line>
      ) : (
        <Line label="May leave" help="Equity of cross above the floor; unrealised profit only as far as losers paid it in">
          <Num v={cross.value?.withdrawable} name="money-withdrawable" />
        </Line>
      )}
      {way === "withdraw" ? (
        <Line label="On its way already">
          <Num v={of.withdrawals.pending} name="money-pending" />
        </Line>
      ) : null}
    </dl>
  );
}

function After({ who, amount, way }: { who: string; amount: string; way: Way }) {
  const seen = useWhatIf(who, Number(amount) > 0 ? { deposit: way === "in" ? amount : `-${amount}` } : null);
  const told = seen.told.value;
  if (seen.error.value) return <p class="why bad">{seen.error.value.message}</p>;
  if (told === null) return null;
  return (
    <>
      <dl class="lines">
        <Line label="Free after">
          <Num v={told.after.buckets[0]?.free} name="money-free-after" />
        </Line>
        <Line label="Margin ratio after">
          <Num v={told.after.buckets[0]?.margin_ratio} as="share" />
        </Line>
        <Line label="Liquidated within 24h, after">
          <Num v={seen.chances.value?.after.probabilities.hours_24} as="share" />
        </Line>
      </dl>
      <Verdict told={told} />
    </>
  );
}

function MoneyDialog({ of }: { of: Account }) {
  const [way, amount, target, error, sending] = [useSignal<Way>("withdraw"), useSignal(""), useSignal(of.address), useSignal(""), useSignal(false)];
  const chosen = WAYS.find((one) => one.id === way.value)!;
  const close = (): void => {
    open.value = false;
  };
  const send = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (sending.value) return;
    sending.value = true;
    error.value = "";
    try {
      tell("good", await done(way.value, amount.value, target.value.trim().toLowerCase()));
      close();
    } catch (refused) {
      error.value = (refused as Error).message;
    } finally {
      sending.value = false;
    }
  };
  const choose = (id: string): void => {
    way.value = id as Way;
    error.value = "";
    target.value = id === "withdraw" ? of.address : "";
  };
  const inTheWay = way.value === "withdraw" ? obstacle(of, amount.value) : "";
  return (
    <Dialog title="Move money" close={close}>
      <Tabs label="Where to" tabs={WAYS} chosen={way.value} choose={choose} />
      <div role="tabpanel" aria-labelledby={`tab-${way.value}`}>
      <form onSubmit={(event) => void send(event)}>
        <Room of={of} way={way.value} />
        <Field label="Amount" of={amount} unit="USD" />
        {way.value === "withdraw" || way.value === "send" ? (
          <label class="field">
            <span>To</span>
            <input aria-label="Address to pay" placeholder="0x…" autocomplete="off" value={target.value} onInput={(event) => (target.value = event.currentTarget.value)} />
          </label>
        ) : null}
        <After who={of.address} amount={amount.value} way={way.value} />
        {inTheWay ? <p class="why bad">{inTheWay}</p> : null}
        {error.value ? (
          <p class="why bad" role="alert" data-name="money-error">
            {error.value}
          </p>
        ) : null}
        <button type="submit" class="main" disabled={sending.value}>
          {sending.value ? "Sending …" : chosen.does}
        </button>
        <p class="why">{session.value?.kind === "wallet" ? "Your wallet signs this; the agent's key may not." : "The demo key of this browser signs this."}</p>
      </form>
      </div>
    </Dialog>
  );
}

/** Opens the forms; there is none for accounts that are only looked at. */
export function MoneyButton() {
  const now = account.value;
  if (now === null || session.value?.address !== now.address) return null;
  return (
    <>
      <button type="button" class="quiet small" onClick={() => (open.value = true)}>
        Withdraw or transfer
      </button>
      {open.value ? <MoneyDialog of={now} /> : null}
    </>
  );
}
