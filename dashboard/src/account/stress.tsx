// What the account would be if markets moved: the engine's answer (what-if of /v1) to a slider; and what it holds of each coin.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Card } from "../parts/card";
import { plus } from "../parts/decimal";
import { Num } from "../parts/num";
import { type Column, Table } from "../parts/table";
import { account, positions } from "../state/account";
import { Level } from "../trade/summary";
import { v1 } from "../wire/http";
import type { Bucket, Position, WhatIf } from "../wire/types";

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

const MOVED: Column<Bucket>[] = [
  { head: "Bucket then", of: (one) => <Then of={one} /> },
  { head: "Equity", of: (one) => <Num v={one.equity} name={`moved-${one.bucket}`} /> },
  { head: "Maintenance", of: (one) => <Num v={one.maintenance} /> },
  { head: "Ratio", of: (one) => <Num v={one.margin_ratio} as="share" d={1} /> },
  { head: "Free", of: (one) => <Num v={one.free} /> },
];

const Then = ({ of }: { of: Bucket }) => (
  <>
    {of.bucket} <Level of={of.level} />
  </>
);

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
      <Table label="After the move" columns={MOVED} rows={told?.after.buckets ?? []} keyOf={(one) => one.bucket} />
    </Card>
  );
}

const signed = (one: Position, text: string): string => `${one.side === "long" ? "" : "-"}${text}`;

function exposures(equity: number): Column<Position>[] {
  return [
    { head: "Coin", of: (one) => one.coin },
    { head: "Delta, coins", of: (one) => <Num v={signed(one, one.size)} d={5} tone name={`delta-coins-${one.coin}`} /> },
    { head: "Delta, USD", of: (one) => <Num v={signed(one, one.value)} tone name={`delta-${one.coin}`} /> },
    { head: "Of equity", of: (one) => (equity > 0 ? <Num v={(Number(signed(one, one.value)) / equity).toFixed(6)} as="share" d={1} /> : "–") },
    { head: "Gamma", help: "By how much delta grows as the coin does: perps are linear", of: () => "0" },
  ];
}

export function Exposures() {
  const equity = Number(account.value?.equity ?? 0);
  if (positions.value.length === 0) return null;
  const net = plus(...positions.value.map((one) => signed(one, one.value)));
  return (
    <Card title="Exposures" note="delta in USD: what the account earns if the coin doubles; perps are linear, so gamma is 0">
      <Table label="Exposures" columns={exposures(equity)} rows={positions.value} keyOf={(one) => one.coin + one.bucket}>
        <tr class="total">
          <td>Net</td>
          <td />
          <td>
            <Num v={net} tone name="delta-net" />
          </td>
          <td>{equity > 0 ? <Num v={(Number(net) / equity).toFixed(6)} as="share" d={1} /> : "–"}</td>
          <td>0</td>
        </tr>
      </Table>
    </Card>
  );
}
