// The order ticket.
import { Tabs } from "../parts/tabs";
import { assetData } from "../state/account";
import { tried } from "../state/told";
import { coin, market } from "../state/venue";
import { address, approve, canTrade, session } from "../wire/session";
import { showConnect } from "../shell/connect";
import { Preview } from "./preview";
import {
  applyLeverage,
  cap,
  fillShare,
  inUsd,
  isLimit,
  kind,
  least,
  leverage,
  leverageWish,
  minutes,
  mode,
  modeWish,
  price,
  reduces,
  sending,
  setNow,
  side,
  size,
  stopAt,
  submit,
  takeAt,
  tif,
  trigger,
  withStops,
} from "./ticket_state";
import type { Kind, Tif } from "../wire/actions";
import type { Signal } from "@preact/signals";

const KINDS: [Kind, string][] = [
  ["market", "Market"],
  ["limit", "Limit"],
  ["stop", "Stop"],
  ["take", "TP"],
  ["trail", "Trail"],
  ["twap", "TWAP"],
];
const SHARES = [10, 25, 50, 75, 100];

/** A field for a decimal. */
export function Field({ label, of, unit, hint }: { label: string; of: Signal<string>; unit: string; hint?: string }) {
  return (
    <label class="field">
      <span>{label}</span>
      <input
        inputMode="decimal"
        autocomplete="off"
        aria-label={label}
        value={of.value}
        placeholder={hint ?? "0"}
        onInput={(event) => {
          of.value = event.currentTarget.value.replace(",", ".").replace(/[^0-9.]/g, "");
        }}
      />
      <em>{unit}</em>
    </label>
  );
}

export function Check({ label, of }: { label: string; of: Signal<boolean> }) {
  return (
    <label class="check">
      <input type="checkbox" checked={of.value} onChange={(event) => (of.value = event.currentTarget.checked)} />
      {label}
    </label>
  );
}

function Margin() {
  const most = cap.value.most;
  const isChanged = leverage.value !== setNow.value.leverage || mode.value !== setNow.value.mode;
  return (
    <fieldset class="margin" disabled={reduces.value}>
      <legend class="hidden">Margin mode and leverage</legend>
      <div class="segments" role="group" aria-label="Margin mode">
        {(["cross", "isolated"] as const).map((one) => (
          <button key={one} type="button" aria-pressed={mode.value === one} onClick={() => (modeWish.value = one)}>
            {one === "cross" ? "Cross" : "Isolated"}
          </button>
        ))}
      </div>
      <label class="slider" title={cap.value.why}>
        <span>
          Leverage <b>{Math.min(leverage.value, 1000)}×</b>
        </span>
        <input
          type="range"
          min="1"
          max={most}
          step="1"
          value={Math.min(leverage.value, most)}
          aria-valuetext={`${leverage.value} times of at most ${most}`}
          onInput={(event) => (leverageWish.value = Number(event.currentTarget.value))}
        />
        <span class="muted">max {most}×</span>
      </label>
      <p class="why">{leverage.value > most ? `Set to ${leverage.value}×; new risk may take ${most}×. ` : ""}{cap.value.why} {least.value}</p>
      {isChanged && canTrade.value ? (
        <button type="button" class="quiet small" onClick={() => void tried(applyLeverage)}>
          Set {mode.value} {leverage.value}× now
        </button>
      ) : null}
    </fieldset>
  );
}

function Prices() {
  const isStop = kind.value === "stop" || kind.value === "take";
  return (
    <>
      {isStop ? <Field label="Trigger" of={trigger} unit="USD" /> : null}
      {kind.value === "trail" ? <Field label="Distance" of={trigger} unit="USD" /> : null}
      {isStop ? <Check label="Limit order once triggered" of={isLimit} /> : null}
      {kind.value === "limit" || (isStop && isLimit.value) ? <Field label="Price" of={price} unit="USD" /> : null}
      {kind.value === "twap" ? <Field label="Duration" of={minutes} unit="minutes" hint="5 to 1440" /> : null}
    </>
  );
}

function Size() {
  const most = assetData.value?.maxTradeSzs[side.value === "buy" ? 0 : 1];
  return (
    <>
      <label class="field">
        <span>Size</span>
        <input
          inputMode="decimal"
          autocomplete="off"
          placeholder="0"
          aria-label={`Size in ${inUsd.value ? "USD" : coin.value}`}
          value={size.value}
          onInput={(event) => (size.value = event.currentTarget.value.replace(",", ".").replace(/[^0-9.]/g, ""))}
        />
        <button type="button" class="unit" title="Switch between the coin and USD" onClick={() => (inUsd.value = !inUsd.value)}>
          {inUsd.value ? "USD" : coin.value} ⇅
        </button>
      </label>
      <div class="shares" role="group" aria-label="Share of the greatest order">
        {SHARES.map((one) => (
          <button key={one} type="button" disabled={!most} onClick={() => fillShare(one)}>
            {one === 100 ? "Max" : `${one}%`}
          </button>
        ))}
      </div>
    </>
  );
}

function Options() {
  const takesStops = !reduces.value && ["market", "limit"].includes(kind.value);
  return (
    <>
      <div class="options">
        {kind.value === "trail" ? <span class="muted">Reduce-only by nature</span> : <Check label="Reduce-only" of={reduces} />}
        {takesStops ? <Check label="TP / SL" of={withStops} /> : null}
        {kind.value === "limit" ? (
          <label class="select">
            <span class="hidden">Time in force</span>
            <select value={tif.value} onChange={(event) => (tif.value = event.currentTarget.value as Tif)}>
              <option value="Gtc">GTC</option>
              <option value="Ioc">IOC</option>
              <option value="Alo">Post-only</option>
            </select>
          </label>
        ) : null}
      </div>
      {takesStops && withStops.value ? (
        <div class="pair">
          <Field label="TP" of={takeAt} unit="USD" />
          <Field label="SL" of={stopAt} unit="USD" />
        </div>
      ) : null}
    </>
  );
}

function Send() {
  if (session.value === null) {
    return (
      <button type="button" class="main" onClick={() => (showConnect.value = true)}>
        {address.value === null ? "Connect" : "Connect to trade"}
      </button>
    );
  }
  if (!canTrade.value) {
    return (
      <button type="button" class="main" onClick={() => void tried(async () => (await approve(), "Trading is enabled"))}>
        Enable trading
      </button>
    );
  }
  const word = { buy: "Buy", sell: "Sell" }[side.value];
  return (
    <button type="submit" class={`main ${side.value}`} disabled={sending.value}>
      {sending.value ? "Sending …" : `${word} ${coin.value}`}
    </button>
  );
}

export function Ticket() {
  const send = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (!canTrade.value || sending.value) return;
    sending.value = true;
    const went = await tried(submit);
    sending.value = false;
    if (went) size.value = "";
  };
  return (
    <section class="panel ticket" aria-label="Order ticket">
      <Tabs
        label="Order kind"
        tabs={KINDS.map(([id, name]) => ({ id, name }))}
        chosen={kind.value}
        choose={(id) => {
          kind.value = id as Kind;
        }}
      />
      <div role="tabpanel" aria-labelledby={`tab-${kind.value}`}>
      <form onSubmit={(event) => void send(event)}>
        <div class="sides" role="group" aria-label="Side">
          {(["buy", "sell"] as const).map((one) => (
            <button key={one} type="button" class={one} aria-pressed={side.value === one} onClick={() => (side.value = one)}>
              {one === "buy" ? "Buy / Long" : "Sell / Short"}
            </button>
          ))}
        </div>
        <Margin />
        <Prices />
        <Size />
        <Options />
        <Send />
        {market.value ? <Preview /> : null}
      </form>
      </div>
    </section>
  );
}
