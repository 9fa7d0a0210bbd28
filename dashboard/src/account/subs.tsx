// Sub-accounts of the owner: made, and given or relieved of USD. The owner's own key signs.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Card } from "../parts/card";
import { shifted } from "../parts/decimal";
import { Num } from "../parts/num";
import { type Column, Table } from "../parts/table";
import { refreshAccount } from "../state/account";
import { tell } from "../state/told";
import { Field } from "../trade/ticket";
import { createSub, subTransfer } from "../wire/actions";
import { info, Refusal } from "../wire/http";
import { session, watch } from "../wire/session";

type Sub = { subAccountUser: string; name: string; clearinghouseState: { marginSummary: { accountValue: string } } };
const EVERY_MS = 6_000;

const COLUMNS: Column<Sub>[] = [
  { head: "Name", of: (one) => one.name },
  { head: "Address", of: (one) => <span class="hash">{one.subAccountUser}</span> },
  { head: "Equity", of: (one) => <Num v={one.clearinghouseState.marginSummary.accountValue} name={`sub-${one.name}`} /> },
];

export function SubAccounts({ who }: { who: string }) {
  const subs = useSignal<Sub[]>([]);
  const [name, amount, target, way, error, sending] = [useSignal(""), useSignal(""), useSignal(""), useSignal("in"), useSignal(""), useSignal(false)];
  const refresh = (): void => {
    info<Sub[] | null>({ type: "subAccounts", user: who }).then(
      (told) => (subs.value = told ?? []),
      () => undefined, // the next look tells
    );
  };
  useEffect(() => {
    refresh();
    const timer = setInterval(refresh, EVERY_MS);
    return () => clearInterval(timer);
  }, [who]);
  if (session.value?.address !== who) return null;
  const run = async (change: () => Promise<string>): Promise<void> => {
    if (sending.value) return;
    sending.value = true;
    error.value = "";
    try {
      tell("good", await change());
      refresh();
      void refreshAccount();
    } catch (refused) {
      error.value = (refused as Error).message;
    } finally {
      sending.value = false;
    }
  };
  const transfer = async (): Promise<string> => {
    const sub = subs.value.find((one) => one.subAccountUser === target.value) ?? subs.value[0];
    if (sub === undefined) throw new Refusal("sub", "Make a sub-account first.");
    if (!(Number(amount.value) > 0)) throw new Refusal("sub", "Enter an amount.");
    await subTransfer(sub.subAccountUser, way.value === "in", Number(shifted(amount.value, 6).split(".")[0]));
    return `${amount.value} USD went ${way.value === "in" ? "to" : "back from"} ${sub.name}`;
  };
  return (
    <Card title="Sub-accounts" note="Each is margined and liquidated by itself">
      <Table label="Sub-accounts" look="left" columns={COLUMNS} rows={subs.value} keyOf={(one) => one.subAccountUser} empty="There is none." rowOf={(one) => ({ onClick: () => watch(one.subAccountUser) })} />
      <form
        class="alert-form"
        onSubmit={(event) => {
          event.preventDefault();
          void run(async () => {
            await createSub(name.value.trim());
            return `${name.value.trim()} is there`;
          });
        }}
      >
        <label class="field">
          <span>New one</span>
          <input aria-label="Name of the new sub-account" autocomplete="off" maxLength={16} value={name.value} onInput={(event) => (name.value = event.currentTarget.value)} />
        </label>
        <button type="submit" class="quiet small" disabled={sending.value || name.value.trim() === ""}>
          Make it
        </button>
      </form>
      {subs.value.length ? (
        <form
          class="alert-form"
          onSubmit={(event) => {
            event.preventDefault();
            void run(transfer);
          }}
        >
          <label class="field">
            <span>Sub-account</span>
            <select aria-label="Sub-account" value={target.value} onChange={(event) => (target.value = event.currentTarget.value)}>
              {subs.value.map((one) => (
                <option key={one.subAccountUser} value={one.subAccountUser}>
                  {one.name}
                </option>
              ))}
            </select>
          </label>
          <label class="field">
            <span>Way</span>
            <select aria-label="Way of the transfer" value={way.value} onChange={(event) => (way.value = event.currentTarget.value)}>
              <option value="in">to it</option>
              <option value="out">back from it</option>
            </select>
          </label>
          <Field label="Amount to transfer" of={amount} unit="USD" />
          <button type="submit" class="quiet small" disabled={sending.value}>
            Transfer
          </button>
        </form>
      ) : null}
      {error.value ? (
        <p class="why bad" role="alert" data-name="sub-error">
          {error.value}
        </p>
      ) : null}
    </Card>
  );
}
