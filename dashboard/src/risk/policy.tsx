// Why each parameter is what it is: values with their rails, and every change with its author and reason.
import { signal } from "@preact/signals";
import { Card, Scroll } from "../parts/card";
import { grouped, stamp } from "../parts/decimal";
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

function Row({ of }: { of: Parameter }) {
  return (
    <tr>
      <td>
        <span class="hash">{of.name}</span>
        {of.is_railed ? <span class="badge">railed</span> : null}
        {of.value !== of.static ? <span class="badge warn">moved</span> : null}
      </td>
      <td title={`${of.value} ${of.unit}`}>{said(of.value, of.unit)}</td>
      <td>{said(of.static, of.unit)}</td>
      <td>{of.pending === null ? "–" : `${said(of.pending, of.unit)} from ${stamp(of.pending_from ?? 0)}`}</td>
      <td class="wrap muted">{rails(of)}</td>
      <td class="wrap">{of.reason}</td>
    </tr>
  );
}

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
      <Scroll label="Parameters">
        <table class="table left-last">
          <thead>
            <tr>
              {["Parameter", "Live", "Static", "Pending", "Rails", "Why"].map((head) => (
                <th key={head} scope="col">
                  {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((one) => (
              <Row key={one.name} of={one} />
            ))}
          </tbody>
        </table>
      </Scroll>
    </Card>
  );
}

function History({ name }: { name: string }) {
  const { answer, error } = useAsked<{ changes: Change[] }>(`/changes?coin=${name}&limit=100`, 10_000);
  const rows = answer.value?.changes ?? [];
  return (
    <Card title={`History of policy of ${name}`} note="newest first, with what the operator wrote" wide>
      {error.value ? <p class="why bad">{error.value}</p> : null}
      <Scroll label="History of policy">
        <table class="table left-last">
          <thead>
            <tr>
              {["When", "What", "To", "By", "In force", "Reason"].map((head) => (
                <th key={head} scope="col">
                  {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((one) => (
              <tr key={`${one.sequence}${one.name}`}>
                <td class="muted">{stamp(one.time)}</td>
                <td>
                  {one.kind} <span class="hash">{one.name}</span>
                </td>
                <td>{one.word?.replaceAll("_", " ") ?? grouped(String(one.value))}</td>
                <td>{one.by}</td>
                <td class="muted">{one.since === one.time ? "at once" : stamp(one.since)}</td>
                <td class="wrap">{one.reason ?? <span class="muted">none written</span>}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
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
