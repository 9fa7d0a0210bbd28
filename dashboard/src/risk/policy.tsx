// Why each parameter is what it is: values with their rails, and every change with its author and reason.
import { signal } from "@preact/signals";
import { Card } from "../parts/card";
import { grouped, stamp } from "../parts/decimal";
import { type Column, Table } from "../parts/table";
import { useAsked } from "../state/asked";

type Parameter = {
  name: string;
  value: number;
  static: number;
  pending: number | null;
  pending_from: number | null;
  unit: string;
  reason: string;
  is_railed: boolean;
  step_up: number | null;
  step_down: number | null;
  loosening_delay_ms: number | null;
};
type Change = { time: number; sequence: number; kind: string; name: string; value: number; word: string | null; since: number; by: string; reason: string | null };
const RATE_ONE = 12_000_000;
const railedOnly = signal(false);

/** A value in words that people read: shares of RATE_ONE as percent, micro-USD as USD. */
function said(value: number, unit: string): string {
  if (unit === "1/RATE_ONE") return `${((100 * value) / RATE_ONE).toLocaleString("en", { maximumFractionDigits: 5 })}%`;
  if (unit === "micro-USD") return `${(value / 1e6).toLocaleString("en", { maximumFractionDigits: 2 })} USD`;
  return `${grouped(String(value))} ${unit}`;
}

function rails(of: Parameter): string {
  if (!of.is_railed) return "–";
  const wait = of.loosening_delay_ms ? `; loosens every ${of.loosening_delay_ms / 60_000} min` : "";
  return `up ${said(of.step_up ?? 0, of.unit)}, down ${said(of.step_down ?? 0, of.unit)} at once${wait}`;
}

const PARAMETERS: Column<Parameter>[] = [
  { head: "Parameter", of: (one) => <Name of={one} /> },
  { head: "Live", of: (one) => <span title={`${one.value} ${one.unit}`}>{said(one.value, one.unit)}</span> },
  { head: "Static", of: (one) => said(one.static, one.unit) },
  { head: "Pending", of: (one) => (one.pending === null ? "–" : `${said(one.pending, one.unit)} from ${stamp(one.pending_from ?? 0)}`) },
  { head: "Rails", look: "wrap muted", of: rails },
  { head: "Why", look: "wrap", of: (one) => one.reason },
];

const Name = ({ of }: { of: Parameter }) => (
  <>
    <span class="hash">{of.name}</span>
    {of.is_railed ? <span class="badge">railed</span> : null}
    {of.value !== of.static ? <span class="badge warn">moved</span> : null}
  </>
);

function Parameters({ name }: { name: string }) {
  const { answer, error } = useAsked<{ parameters: Parameter[] }>(`/markets/${name}/parameters`, 15_000);
  const rows = (answer.value?.parameters ?? []).filter((one) => !railedOnly.value || one.is_railed);
  return (
    <Card title={`Parameters of ${name}`} note="the live value, the admin's own, and how far the risk engine may move it" wide>
      {error.value ? <p class="why bad">{error.value}</p> : null}
      <label class="check">
        <input type="checkbox" checked={railedOnly.value} onChange={(event) => (railedOnly.value = event.currentTarget.checked)} /> Only those that the
        risk engine may move
      </label>
      <Table label="Parameters" look="left-last" columns={PARAMETERS} rows={rows} keyOf={(one) => one.name} />
    </Card>
  );
}

const CHANGES: Column<Change>[] = [
  { head: "When", look: "muted", of: (one) => stamp(one.time) },
  { head: "What", of: (one) => <span class="hash">{`${one.kind} ${one.name}`}</span> },
  { head: "To", of: (one) => one.word?.replaceAll("_", " ") ?? grouped(String(one.value)) },
  { head: "By", of: (one) => one.by },
  { head: "In force", look: "muted", of: (one) => (one.since === one.time ? "at once" : stamp(one.since)) },
  { head: "Reason", look: "wrap", of: (one) => one.reason ?? <span class="muted">none written</span> },
];

function History({ name }: { name: string }) {
  const { answer, error } = useAsked<{ changes: Change[] }>(`/changes?coin=${name}&limit=100`, 10_000);
  return (
    <Card title={`History of policy of ${name}`} note="newest first, with what the operator wrote" wide>
      {error.value ? <p class="why bad">{error.value}</p> : null}
      {answer.value ? (
        <Table label="History of policy" look="left-last" columns={CHANGES} rows={answer.value.changes} keyOf={(one) => `${one.sequence}${one.name}`} empty="Nothing was changed yet." />
      ) : null}
    </Card>
  );
}

export function Policy({ name }: { name: string }) {
  return (
    <>
      <Parameters name={name} />
      <History name={name} />
    </>
  );
}
