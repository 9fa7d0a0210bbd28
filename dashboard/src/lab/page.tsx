// The laboratory: a generated crash under several venues' rules, beside each other.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Card } from "../parts/card";
import { stamp } from "../parts/decimal";
import { tried } from "../state/told";
import { Outcome } from "./outcome";
import { type Asked, cancel, follow, lab, type Lab, open, problem, type Run, shownRun, start } from "./state";

const INTERVALS = ["1m", "5m", "15m"];

function Choice({ of }: { of: Lab }) {
  const asked = useSignal<Asked>({ preset: "october-2025-10-10", rules: ["static", "dydx", "seawall"], accounts: 2_000, markets: 5, interval: "5m", seed: 1 });
  const running = of.runs.some((run) => run.state === "running");
  const change = (part: Partial<Asked>): void => {
    asked.value = { ...asked.value, ...part };
  };
  const toggle = (name: string): void => {
    const has = asked.value.rules.includes(name);
    const chosen = of.rules.map((one) => one.name).filter((one) => (one === name ? !has : asked.value.rules.includes(one)));
    change({ rules: chosen });
  };
  const whole = (label: string, field: "accounts" | "markets" | "seed", low: number, high: number) => (
    <label class="field">
      <span>{label}</span>
      <input
        type="number"
        min={low}
        max={high}
        aria-label={label}
        value={asked.value[field]}
        onInput={(event) => change({ [field]: Number(event.currentTarget.value) })}
      />
    </label>
  );
  return (
    <form
      class="lab-form"
      onSubmit={(event) => {
        event.preventDefault();
        void tried(() => start(asked.value));
      }}
    >
      <label class="field">
        <span>Crash</span>
        <select aria-label="Crash" value={asked.value.preset} onChange={(event) => change({ preset: event.currentTarget.value })}>
          {of.presets.map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </select>
      </label>
      <label class="field">
        <span>Bars</span>
        <select aria-label="Bars" value={asked.value.interval} onChange={(event) => change({ interval: event.currentTarget.value })}>
          {INTERVALS.map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </select>
      </label>
      {whole("Accounts", "accounts", 10, of.accounts_most)}
      {whole("Markets", "markets", 1, 20)}
      {whole("Seed", "seed", 0, 2 ** 31)}
      <fieldset class="rules">
        <legend class="muted">Rules</legend>
        {of.rules.map((one) => (
          <label key={one.name} class="check" title={one.description}>
            <input type="checkbox" checked={asked.value.rules.includes(one.name)} onChange={() => toggle(one.name)} /> {one.title}
          </label>
        ))}
      </fieldset>
      <button type="submit" class="main" disabled={running || asked.value.rules.length === 0 || !of.is_open}>
        {running ? "A replay runs" : "Run"}
      </button>
    </form>
  );
}

function RunLine({ of }: { of: Run }) {
  const percent = Math.round(100 * of.progress);
  return (
    <li class={shownRun.value === of.id ? "chosen" : ""} data-run={of.state}>
      <span class="muted">{stamp(of.started)}</span>
      <span>
        {of.asked.preset}, {of.asked.accounts.toLocaleString("en")} accounts, {of.asked.rules.join(" / ")}
      </span>
      {of.state === "running" ? (
        <>
          <progress max="100" value={percent} aria-label="Progress" />
          <span>{percent ? `${percent}%` : "compiling"}</span>
          <button type="button" class="quiet small" onClick={() => void tried(() => cancel(of.id))}>
            Cancel
          </button>
        </>
      ) : null}
      {of.state === "done" ? (
        <>
          <button type="button" class="quiet small" onClick={() => void tried(() => open(of.id))}>
            Show
          </button>
          <a class="linked" href={`/v1/lab/runs/${of.id}/replay`} download={`replay-${of.id}.json`}>
            JSON
          </a>
        </>
      ) : null}
      {of.state === "failed" ? <span class="bad">{of.problem || "failed"}</span> : null}
      {of.state === "cancelled" ? <span class="muted">cancelled</span> : null}
    </li>
  );
}

export function LabPage() {
  useEffect(follow, []);
  const now = lab.value;
  return (
    <div class="cards">
      <h1 class="hidden">Lab</h1>
      <Card title="Replay a crash" note="a generated day, synthetic accounts, the real engine, beside the venue" wide>
        {problem.value ? <p class="why bad">{problem.value}</p> : null}
        {now && !now.is_open ? <p class="why">This venue runs no replays (lab.enabled).</p> : null}
        {now ? <Choice of={now} /> : <p class="empty">Asking the venue …</p>}
        {now?.runs.length ? (
          <ul class="runs">
            {now.runs.map((run) => (
              <RunLine key={run.id} of={run} />
            ))}
          </ul>
        ) : null}
      </Card>
      <Outcome />
    </div>
  );
}
