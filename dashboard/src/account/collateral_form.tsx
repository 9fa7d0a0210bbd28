// Collateral in, out, between buckets, and bought: each signed by the owner's own key, and refused in the venue's words.
import { signal, useSignal } from "@preact/signals";
import { Dialog } from "../parts/dialog";
import { Tabs } from "../parts/tabs";
import { marketOf, venue } from "../state/venue";
import { tell } from "../state/told";
import { Field } from "../trade/ticket";
import { buyCollateral, moveCollateral, type Piece, withdrawCollateral } from "../wire/actions";
import { Refusal, v1 } from "../wire/http";
import { session } from "../wire/session";
import type { Asset, Holding } from "../wire/types";

type Way = "deposit" | "withdraw" | "isolated" | "cross" | "buy";
type Held = { bucket: string; of: Holding };
const WAYS: { id: Way; name: string; does: string }[] = [
  { id: "deposit", name: "Deposit", does: "Deposit" },
  { id: "withdraw", name: "Withdraw", does: "Withdraw" },
  { id: "isolated", name: "To isolated", does: "Move to isolated" },
  { id: "cross", name: "To cross", does: "Move to cross" },
  { id: "buy", name: "Buy", does: "Buy" },
];
const TICK = Math.log(1.0001);
const WEI = 1e12; // of a pool's unit of liquidity: the root of 10^18 and 10^6
const open = signal(false);

/** A play position of so many USD about the index, as the pool's contract would describe it. */
function play(asset: Asset, usd: number, lower: number, upper: number): { liquidity: string; tick_lower: number; tick_upper: number } {
  const now = Number(asset.index);
  const at = Math.min(Math.max(now, lower), upper);
  const each = Math.sqrt(at) - Math.sqrt(lower) + now * (1 / Math.sqrt(at) - 1 / Math.sqrt(upper));
  const tick = (price: number): number => Math.round(Math.log(1e12 / price) / TICK);
  return { liquidity: BigInt(Math.round((usd / each) * WEI)).toString(), tick_lower: tick(upper), tick_upper: tick(lower) };
}

type Asked = { way: Way; asset: Asset; size: string; lower: string; upper: string; price: string; bucket: string; token: string; who: string };

async function done(asked: Asked): Promise<string> {
  const { way, asset, size } = asked;
  const isPool = asset.kind === "pool";
  const of: Piece = isPool ? { token: asked.token } : { size };
  const what = isPool ? `position ${asked.token}` : `${size} ${asset.coin}`;
  if (isPool && way !== "deposit" && !asked.token) throw new Refusal("collateral", "There is no position of this pool.");
  if ((!isPool || way === "deposit") && !(Number(size) > 0)) throw new Refusal("collateral", "Enter an amount.");
  if (way === "deposit") {
    const [low, high] = [Number(asked.lower), Number(asked.upper)];
    if (isPool && !(0 < low && low < high)) throw new Refusal("collateral", "The lower end is below the upper one.");
    const terms = isPool ? play(asset, Number(size), low, high) : { size };
    await v1(isPool ? "/faucet/range" : "/faucet/asset", { address: asked.who, asset: asset.asset, ...terms });
    return isPool ? "The position has arrived" : `${what} have arrived`;
  }
  if (way === "withdraw") await withdrawCollateral(asset.asset, of);
  else if (way === "buy") await buyCollateral(asset.asset, size, asked.price, Number(asked.bucket));
  else await moveCollateral(asset.asset, of, marketOf(asset.coin)?.market ?? 0, way === "cross");
  return way === "withdraw" ? `${what} on the way out` : way === "buy" ? `${what} bought` : `${what} moved to ${way}`;
}

/** `isKept`: by a chain, where isolated buckets hold cash alone. */
type Props = { who: string; isKept: boolean; assets: Asset[]; held: Held[] };

function Form({ who, isKept, assets, held }: Props) {
  const ways = WAYS.filter((one) => (one.id === "deposit" ? venue.value?.has_faucet : !isKept || (one.id !== "isolated" && one.id !== "cross")));
  const [way, number, size, lower, upper] = [useSignal<Way>(ways[0]!.id), useSignal(0), useSignal(""), useSignal(""), useSignal("")];
  const [price, bucket, token, error, sending] = [useSignal(""), useSignal(""), useSignal(""), useSignal(""), useSignal(false)];
  const asset = assets[number.value]!;
  const isPool = asset.kind === "pool";
  const from = way.value === "cross" ? "isolated" : "cross";
  const tokens = held.filter((one) => one.of.asset === asset.asset && one.of.range && one.bucket.startsWith(from)).map((one) => one.of.range!.token);
  const chosen = ways.find((one) => one.id === way.value)!;
  const send = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (sending.value) return;
    sending.value = true;
    error.value = "";
    try {
      const which = tokens.includes(token.value) ? token.value : (tokens[0] ?? "");
      tell("good", await done({ way: way.value, asset, size: size.value, lower: lower.value, upper: upper.value, price: price.value, bucket: bucket.value, token: which, who }));
      open.value = false;
    } catch (refused) {
      error.value = (refused as Error).message;
    } finally {
      sending.value = false;
    }
  };
  return (
    <Dialog title="Collateral" close={() => (open.value = false)}>
      <Tabs
        label="What with it"
        tabs={ways}
        chosen={way.value}
        choose={(id) => {
          way.value = id as Way;
          error.value = "";
        }}
      />
      <div role="tabpanel" aria-labelledby={`tab-${way.value}`}>
        <form onSubmit={(event) => void send(event)}>
          <label class="field">
            <span>Asset</span>
            <select aria-label="Asset" value={number.value} onChange={(event) => (number.value = Number(event.currentTarget.value))}>
              {assets.map((one, at) => (
                <option key={one.asset} value={at}>
                  {one.kind === "pool" ? `${one.coin} pool position` : one.coin}
                </option>
              ))}
            </select>
          </label>
          {isPool && way.value !== "deposit" ? (
            <label class="field">
              <span>Position</span>
              <select aria-label="Position" value={token.value} onChange={(event) => (token.value = event.currentTarget.value)}>
                {tokens.map((one) => (
                  <option key={one}>{one}</option>
                ))}
              </select>
            </label>
          ) : (
            <Field label="Amount" of={size} unit={isPool ? "USD" : asset.coin} />
          )}
          {isPool && way.value === "deposit" ? (
            <>
              <Field label="Lower end" of={lower} unit="USD" />
              <Field label="Upper end" of={upper} unit="USD" />
            </>
          ) : null}
          {way.value === "buy" ? (
            <>
              <Field label="Not above" of={price} unit="USD" />
              <Field label="Bucket that sells" of={bucket} unit="no." />
            </>
          ) : null}
          {error.value ? (
            <p class="why bad" role="alert" data-name="collateral-error">
              {error.value}
            </p>
          ) : null}
          <button type="submit" class="main" disabled={sending.value}>
            {sending.value ? "Sending …" : chosen.does}
          </button>
          <p class="why">{way.value === "deposit" ? "Play collateral: the faucet of this venue gives it." : session.value?.kind === "wallet" ? "Your wallet signs this; the agent's key may not." : "The demo key of this browser signs this."}</p>
        </form>
      </div>
    </Dialog>
  );
}

export function CollateralButton(props: Props) {
  return (
    <p>
      <button type="button" class="quiet small" onClick={() => (open.value = true)}>
        {props.isKept ? "Withdraw or buy collateral" : "Deposit, withdraw or move collateral"}
      </button>
      {open.value ? <Form {...props} /> : null}
    </p>
  );
}
