// What collateral may back: the weights of now, the admin's, and what the risk engine holds right, with its reasons.
import { Card } from "../parts/card";
import { share } from "../parts/decimal";
import { Num } from "../parts/num";
import { type Column, Table } from "../parts/table";
import { useAsked } from "../state/asked";
import type { Asset, Assets } from "../wire/types";

type Weight = { asset: number; coin: string; kind: string; value: number; static: number; changed: number; wanted: string | null; reasons: string[]; outcome: string | null };
type Row = { of: Weight; asset: Asset | undefined };
const EVERY_MS = 6_000;
const RATE_ONE = 1e9;

const part = (value: number): string => (value / RATE_ONE).toFixed(9);

const COLUMNS: Column<Row>[] = [
  { head: "Asset", of: ({ of }) => (of.kind === "pool" ? `${of.coin} pool` : of.coin) },
  { head: "Live", help: "Share that backs new risk, before it shrinks with what is held", of: ({ of }) => <Num v={part(of.value)} as="share" d={1} name={`live-${of.asset}`} /> },
  { head: "Admin's", help: "The risk engine never goes above it", of: ({ of }) => <Num v={part(of.static)} as="share" d={1} /> },
  { head: "Wanted", of: ({ of }) => <Num v={of.wanted} as="share" d={0} name={`wanted-${of.asset}`} /> },
  { head: "Kept", help: "Share that keeps open positions", of: ({ asset }) => <Num v={asset?.weight_maintenance} as="share" d={1} /> },
  { head: "Held", of: ({ asset }) => <Num v={asset?.held} /> },
  { head: "Cap", of: ({ asset }) => <Num v={asset?.supply_cap} d={0} /> },
  { head: "Outcome", of: ({ of }) => of.outcome ?? "–" },
  { head: "Why", look: "wrap", of: ({ of }) => of.reasons.join("; ") || "–" },
];

export function Weights() {
  const told = useAsked<Assets>("/assets", EVERY_MS).answer.value;
  const { answer, isAbsent } = useAsked<{ assets: Weight[] }>("/risk/collateral", EVERY_MS);
  if (isAbsent.value || !answer.value?.assets.length) return null;
  const note = told ? `${share(told.utilisation, 1)} of all USD is lent against it, at ${share(told.borrow_rate_year)} a year` : "";
  return (
    <Card title="Collateral weights" note={note} wide>
      <Table label="Collateral weights" look="left-end" columns={COLUMNS} rows={answer.value.assets.map((of) => ({ of, asset: told?.assets[of.asset] }))} keyOf={({ of }) => of.asset} />
    </Card>
  );
}
