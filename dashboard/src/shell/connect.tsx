// Connecting: a demo key, a wallet that announces itself, or an address that is only looked at.
import { signal } from "@preact/signals";
import { Dialog } from "../parts/dialog";
import { refreshAccount } from "../state/account";
import { tell, tried } from "../state/told";
import { v1 } from "../wire/http";
import { address, leave, providers, session, useDemo, useWallet, watch } from "../wire/session";

export const showConnect = signal(false);
const FAUCET_USD = 10_000;
const typed = signal("");

const close = (): void => {
  showConnect.value = false;
};

/** Play money for the shown account. */
export async function drip(): Promise<void> {
  const who = address.value;
  if (who === null) return;
  await tried(async () => {
    const told = await v1<{ credited: string }>("/faucet", { address: who, usd: FAUCET_USD });
    void refreshAccount();
    return `The faucet gave ${told.credited} USD`;
  });
}

function look(event: Event): void {
  event.preventDefault();
  const text = typed.value.trim().toLowerCase();
  if (!/^0x[0-9a-f]{40}$/.test(text)) return tell("bad", "An address has 0x and 40 hex digits.");
  leave();
  watch(text);
  close();
}

export function Connect() {
  if (!showConnect.value) return null;
  return (
    <Dialog title="Connect" close={close}>
      <div class="choices">
        {providers.value.map((one) => (
          <button
            key={one.info.uuid}
            type="button"
            class="choice"
            onClick={() => void tried(() => useWallet(one)).then((went) => went && close())}
          >
            <img src={one.info.icon} alt="" width="20" height="20" /> {one.info.name}
          </button>
        ))}
        {providers.value.length === 0 ? <p class="why">No browser wallet has announced itself (EIP-6963).</p> : null}
        <button
          type="button"
          class="choice"
          onClick={() => {
            useDemo();
            close();
          }}
        >
          Demo key
        </button>
        <p class="why">A demo key is made and kept by this browser, readable to whoever uses it: for play money only.</p>
      </div>
      <form class="look" onSubmit={look}>
        <label class="field">
          <span>Look at</span>
          <input placeholder="0x… any address" aria-label="Address to look at" value={typed.value} onInput={(event) => (typed.value = event.currentTarget.value)} />
        </label>
        <button type="submit" class="quiet">
          Show
        </button>
      </form>
      {session.value || address.value ? (
        <button
          type="button"
          class="quiet"
          onClick={() => {
            leave();
            watch(null);
            close();
          }}
        >
          Disconnect
        </button>
      ) : null}
    </Dialog>
  );
}
