// Alerts of the account: every request is signed by its owner, and shows no target once it is set (docs/venue/alerts.md).
import { useSignal } from "@preact/signals";
import { Card } from "../parts/card";
import { tried } from "../state/told";
import { v1 } from "../wire/http";
import { chainId, network, nonceOf, session, signData } from "../wire/session";
import { type Field, NOBODY, type TypedData } from "../wire/sign";

type Rule = { kind: string; [field: string]: string };
type Alert = { name: string; target: string; rules: Rule[]; fired: number; waiting: number };
type Kind = { kind: string; words: string; field: string | null; unit: string; usual: string };

const FIELDS: Field[] = [
  { name: "network", type: "string" },
  { name: "account", type: "address" },
  { name: "action", type: "string" },
  { name: "payload", type: "string" },
  { name: "nonce", type: "uint64" },
];
const KINDS: Kind[] = [
  { kind: "margin_call", words: "Equity falls below what new risk needs", field: null, unit: "", usual: "" },
  { kind: "margin_ratio", words: "Margin ratio rises above", field: "above", unit: "of 1", usual: "0.7" },
  { kind: "liquidation_distance", words: "The mark comes nearer to a liquidation price than", field: "below", unit: "of the mark", usual: "0.05" },
  { kind: "liquidation_chance", words: "Probability of liquidation within 24 hours rises above", field: "above", unit: "of 1", usual: "0.01" },
  { kind: "funding_payment", words: "Funding paid at once is above", field: "above", unit: "USD", usual: "50" },
  { kind: "liquidation", words: "A liquidation begins", field: null, unit: "", usual: "" },
];

function said(rule: Rule): string {
  const kind = KINDS.find((one) => one.kind === rule.kind);
  const value = kind?.field ? ` ${rule[kind.field]} ${kind.unit}` : "";
  return `${kind?.words ?? rule.kind}${value}${rule.coin ? `, ${rule.coin}` : ""}`;
}

async function ask(account: string, action: string, payload: string): Promise<Alert[]> {
  const [chain, nonce] = [await chainId(), nonceOf()];
  const message = { network: network(), account, action, payload, nonce };
  const data: TypedData = {
    domain: { name: "Seawall", version: "1", chainId: chain, verifyingContract: NOBODY },
    primaryType: "SeawallAlerts",
    types: { SeawallAlerts: FIELDS },
    message,
  };
  const told = await v1<{ alerts: Alert[] }>("/alerts", { ...message, chain_id: chain, signature: await signData(data) });
  return told.alerts;
}

export function Alerts({ who }: { who: string }) {
  const alerts = useSignal<Alert[] | null>(null);
  const [name, target, kind, value] = [useSignal("phone"), useSignal(""), useSignal(KINDS[0]!), useSignal("")];
  if (session.value?.address !== who) return null;
  const act = (action: string, payload: string, word: string) =>
    tried(async () => {
      alerts.value = await ask(who, action, payload);
      return word;
    });
  const set = (event: Event): void => {
    event.preventDefault();
    const rule: Rule = { kind: kind.value.kind };
    if (kind.value.field) rule[kind.value.field] = value.value || kind.value.usual;
    void act("set", JSON.stringify({ name: name.value, target: target.value, rules: [rule] }), `Alert ${name.value} is set`);
  };
  return (
    <Card title="Alerts" note="each request is signed by the owner; agents may not">
      {alerts.value === null ? (
        <button type="button" class="quiet" onClick={() => void act("list", "", "")}>
          Show my alerts
        </button>
      ) : (
        <ul class="runs" data-name="alerts">
          {alerts.value.map((one) => (
            <li key={one.name}>
              <b>{one.name}</b> <span class="muted">{one.target}</span> <span>{one.rules.map(said).join("; ")}</span>
              <button type="button" class="quiet small" onClick={() => void act("test", one.name, "A message was sent")}>
                Test
              </button>
              <button type="button" class="quiet small" onClick={() => void act("remove", one.name, `Alert ${one.name} is removed`)}>
                Remove
              </button>
            </li>
          ))}
          {alerts.value.length === 0 ? <li class="muted">None is set.</li> : null}
        </ul>
      )}
      <form class="alert-form" onSubmit={set}>
        <label class="field">
          <span>Name</span>
          <input aria-label="Name of the alert" maxLength={40} value={name.value} onInput={(event) => (name.value = event.currentTarget.value)} />
        </label>
        <label class="field">
          <span>Target</span>
          <input aria-label="Target, an Apprise URL" placeholder="tgram://TOKEN/CHAT" value={target.value} onInput={(event) => (target.value = event.currentTarget.value)} />
        </label>
        <label class="field">
          <span>When</span>
          <select
            aria-label="When"
            value={kind.value.kind}
            onChange={(event) => {
              kind.value = KINDS.find((one) => one.kind === event.currentTarget.value)!;
              value.value = kind.value.usual;
            }}
          >
            {KINDS.map((one) => (
              <option key={one.kind} value={one.kind}>
                {one.words}
              </option>
            ))}
          </select>
        </label>
        {kind.value.field ? (
          <label class="field">
            <input aria-label="Threshold" inputMode="decimal" value={value.value} onInput={(event) => (value.value = event.currentTarget.value)} />
            <em>{kind.value.unit}</em>
          </label>
        ) : null}
        <button type="submit" class="main" disabled={target.value === ""}>
          Set the alert
        </button>
      </form>
    </Card>
  );
}
