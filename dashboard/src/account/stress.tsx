// What the account would be if markets moved: the engine's answer (what-if of /v1) to a slider; and what it holds of each coin.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Card, Scroll } from "../parts/card";
import { Num } from "../parts/num";
import { account, positions } from "../state/account";
import { Level } from "../trade/summary";
import { v1 } from "../wire/http";
import type { Bucket, WhatIf } from "../wire/types";

const WAIT_MS = 150;

function useMoved(who: string, percent: number, only: string): WhatIf | null {
  const told = useSignal<WhatIf | null>(null);
  const coins = positions.value.map((one) => one.coin).filter((one) => only === "all" || one === only);
  const key = coins.join();
  useEffect(() => {
    if (key === "") {
      told.value = null;
      return undefined;
    }
    let live = true;
    const timer = setTimeout(() => {
      const moves = Object.fromEntries(key.split(",").map((coin) => [coin, (percent / 100).toFixed(4)]));
      v1<WhatIf>(`/accounts/${who}/what-if`, { moves }).then(
        (answer) => {
          if (live) told.value = answer;
        },
        () => undefined, // the figures stay as they were; the header tells of a break
      );
    }, WAIT_MS);
    return () => {
      live = false;
      clearTimeout(timer);
    };
  }, [who, percent, key, account.value?.sequence]);
  return told.value;
}

function Moved({ of }: { of: Bucket }) {
  return (
    <tr>
      <td>
        {of.bucket} <Level of={of.level} />
      </td>
      <td>
        <Num v={of.equity} name={`moved-${of.bucket}`} />
      </td>
      <td>
        <Num v={of.maintenance} />
      </td>
      <td>
        <Num v={of.margin_ratio} as="share" d={1} />
      </td>
      <td>
        <Num v={of.free} />
      </td>
    </tr>
  );
}

export function Stress({ who }: { who: string }) {
  const percent = useSignal(-10);
  const only = useSignal("all");
  const told = useMoved(who, percent.value, only.value);
  if (positions.value.length === 0) return null;
  return (
    <Card title="If markets moved" note="by the engine's own rule">
      <div class="mover">
        <label class="select">
          <span class="hidden">Which markets</span>
          <select value={only.value} onChange={(event) => (only.value = event.currentTarget.value)}>
            <option value="all">All that are held</option>
            {positions.value.map((one) => (
              <option key={one.coin} value={one.coin}>
                {one.coin}
              </option>
            ))}
          </select>
        </label>
        <input
          type="range"
          min="-60"
          max="60"
          value={percent.value}
          aria-label="Move of marks in percent"
          onInput={(event) => (percent.value = Number(event.currentTarget.value))}
        />
        <output class={percent.value < 0 ? "bad" : "good"}>
          {percent.value > 0 ? "+" : ""}
          {percent.value}%
        </output>
      </div>
      <Scroll label="After the move">
        <table class="table">
          <thead>
            <tr>
              {["Bucket then", "Equity", "Maintenance", "Ratio", "Free"].map((head) => (
                <th key={head} scope="col">
                  {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>{(told?.after.buckets ?? []).map((one) => <Moved key={one.bucket} of={one} />)}</tbody>
        </table>
      </Scroll>
    </Card>
  );
}

export function Exposures() {
  const equity = Number(account.value?.equity ?? 0);
  if (positions.value.length === 0) return null;
  const deltas = positions.value.map((one) => (one.side === "long" ? 1 : -1) * Number(one.value));
  const net = deltas.reduce((sum, one) => sum + one, 0);
  return (
    <Card title="Exposures" note="delta in USD: what the account earns if the coin doubles; perps are linear, so gamma is 0">
      <Scroll label="Exposures">
        <table class="table">
          <thead>
            <tr>
              {["Coin", "Delta, coins", "Delta, USD", "Of equity", "Gamma"].map((head) => (
                <th key={head} scope="col">
                  {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {positions.value.map((one) => (
              <tr key={one.coin + one.bucket}>
                <td>{one.coin}</td>
                <td>
                  <Num v={`${one.side === "long" ? "" : "-"}${one.size}`} d={5} tone />
                </td>
                <td>
                  <Num v={`${one.side === "long" ? "" : "-"}${one.value}`} tone />
                </td>
                <td>{equity > 0 ? <Num v={(((one.side === "long" ? 1 : -1) * Number(one.value)) / equity).toFixed(6)} as="share" d={1} /> : "–"}</td>
                <td>0</td>
              </tr>
            ))}
            <tr class="total">
              <td>Net</td>
              <td />
              <td>
                <Num v={net.toFixed(6)} tone />
              </td>
              <td>{equity > 0 ? <Num v={(net / equity).toFixed(6)} as="share" d={1} /> : "–"}</td>
              <td>0</td>
            </tr>
          </tbody>
        </table>
      </Scroll>
    </Card>
  );
}
