// Portfolio margin of cross: what holds now, and the owner's switch. The venue decides, and says why it refuses.
import { useSignal } from "@preact/signals";
import { refreshAccount } from "../state/account";
import { tell } from "../state/told";
import { setPortfolio } from "../wire/actions";
import { session } from "../wire/session";
import type { Bucket } from "../wire/types";

const IN = "Portfolio margin: the worst scenario of the whole bucket. Below its maintenance the tiers hold again.";
const OUT = "Margin by tiers, position by position.";

export function PortfolioSwitch({ who, of }: { who: string; of: Bucket }) {
  const [error, sending] = [useSignal({ mode: of.mode, text: "" }), useSignal(false)];
  const isIn = of.mode === "portfolio";
  const why = error.value.mode === of.mode ? error.value.text : ""; // a refusal is told while what was asked is not so
  const send = async (): Promise<void> => {
    if (sending.value) return;
    sending.value = true;
    error.value = { mode: of.mode, text: "" };
    try {
      await setPortfolio(who, !isIn);
      tell("good", isIn ? "Cross is margined by tiers now" : "Cross is in portfolio margin now");
      await refreshAccount();
    } catch (refused) {
      error.value = { mode: of.mode, text: (refused as Error).message };
    } finally {
      sending.value = false;
    }
  };
  return (
    <div class="portfolio">
      <p class="why" data-name="cross-mode" data-value={of.mode}>
        {isIn ? IN : OUT}
      </p>
      {session.value?.address === who ? (
        <button type="button" class="quiet small" disabled={sending.value} onClick={() => void send()}>
          {isIn ? "Back to tiers" : "Use portfolio margin"}
        </button>
      ) : null}
      {why ? (
        <p class="why bad" role="alert" data-name="portfolio-error">
          {why}
        </p>
      ) : null}
    </div>
  );
}
