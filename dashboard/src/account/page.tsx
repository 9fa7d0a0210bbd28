import { absent, account } from "../state/account";
import { address } from "../wire/session";
import { showConnect } from "../shell/connect";
import { Alerts } from "./alerts";
import { Buckets } from "./buckets";
import { CollateralCard } from "./collateral";
import { Foresight } from "./foresight";
import { Ranks, Receipts } from "./receipts";
import { Exposures, Stress } from "./stress";
import { SubAccounts } from "./subs";
import { Surface } from "./surface";

/** What stands in for pages of an account when there is none. */
export function Nobody() {
  return (
    <div class="nobody">
      {address.value === null ? (
        <>
          <p>Connect, or look at an address: every account is public here.</p>
          <button type="button" class="main small" onClick={() => (showConnect.value = true)}>
            Connect
          </button>
        </>
      ) : (
        <p>{absent.value === "unknown" ? "This address has no account here yet." : (absent.value ?? "Asking the venue …")}</p>
      )}
    </div>
  );
}

export function AccountPage() {
  const [who, view] = [address.value, account.value];
  return (
    <div class="cards">
      <h1 class="hidden">Account</h1>
      {who === null || view === null ? (
        <Nobody />
      ) : (
        <>
          <Buckets of={view} />
          <CollateralCard who={who} />
          <Foresight who={who} />
          <Stress who={who} />
          <Exposures />
          <Surface who={who} />
          <Ranks who={who} />
          <Alerts who={who} />
          <SubAccounts who={who} />
          <Receipts who={who} />
        </>
      )}
    </div>
  );
}
