// Who is closed first when the other side of a market can not pay: the whole queue, page by page.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Card } from "../parts/card";
import { Num } from "../parts/num";
import { type Column, Table } from "../parts/table";
import { Tabs } from "../parts/tabs";
import { Lights } from "../parts/lights";
import { useAsked } from "../state/asked";
import { coin } from "../state/venue";
import { address } from "../wire/session";

type Queued = { place: number; address: string | null; bucket: string; size: string; value: string; unrealised: string; score: string; light: number; in_profit: boolean };
type Queue = { coin: string; side: string; policy: string; total: number; start: number; positions: Queued[] };
const PAGE = 10;

const COLUMNS: Column<Queued>[] = [
  { head: "Place", of: (one) => one.place.toLocaleString("en") },
  { head: "Account", look: "hash", of: (one) => (one.address === null ? "pool of the venue" : one.address === address.value ? `${one.address} (own)` : one.address) },
  { head: "Bucket", of: (one) => one.bucket },
  { head: "Size", of: (one) => <Num v={one.size} d={5} /> },
  { head: "Value", of: (one) => <Num v={one.value} d={0} /> },
  { head: "Unrealised", of: (one) => <Num v={one.unrealised} tone sign /> },
  { head: "Score", help: "The engine's integer: the higher score is closed first", of: (one) => <span class="hash">{one.score}</span> },
  { head: "Light", of: (one) => <Lights of={one.light} /> },
];

export function QueueCard() {
  const side = useSignal("long");
  const start = useSignal(0);
  const name = coin.value;
  useEffect(() => {
    start.value = 0;
  }, [name, side.value]);
  const { answer, error } = useAsked<Queue>(`/markets/${name}/queue?side=${side.value}&start=${start.value}&limit=${PAGE}`, 8_000);
  const told = answer.value;
  const total = told?.total ?? 0;
  const last = Math.min(total, start.value + PAGE);
  return (
    <Card title={`Deleveraging queue of ${name}`} note={told ? `policy: ${told.policy.replaceAll("_", " ")}` : ""} wide>
      <Tabs
        label="Side of the queue"
        tabs={[
          { id: "long", name: "Longs" },
          { id: "short", name: "Shorts" },
        ]}
        chosen={side.value}
        choose={(id) => (side.value = id)}
      />
      <div role="tabpanel" aria-labelledby={`tab-${side.value}`}>
        {error.value ? <p class="why bad">{error.value}</p> : null}
        {told ? (
          <Table
            label="Deleveraging queue"
            name="queue"
            columns={COLUMNS}
            rows={told.positions}
            keyOf={(one) => one.place}
            rowOf={(one) => ({ class: one.address !== null && one.address === address.value ? "chosen" : "", "data-place": String(one.place) })}
            empty="Nobody stands on this side."
          />
        ) : null}
        {total > PAGE ? (
          <div class="pager">
            <button type="button" class="quiet small" disabled={start.value === 0} onClick={() => (start.value = Math.max(0, start.value - PAGE))}>
              Before
            </button>
            <span data-name="queue-page">
              {start.value + 1} to {last} of {total.toLocaleString("en")}
            </span>
            <button type="button" class="quiet small" disabled={last >= total} onClick={() => (start.value += PAGE)}>
              After
            </button>
          </div>
        ) : null}
      </div>
    </Card>
  );
}
