// Replays of crashes beside the venue: what can be run, what runs, and what came of it.
import { signal } from "@preact/signals";
import { v1 } from "../wire/http";

export type Asked = { preset: string; rules: string[]; accounts: number; markets: number; interval: string; seed: number };
export type Run = { id: number; asked: Asked; state: "running" | "done" | "failed" | "cancelled"; progress: number; started: number; ended: number | null; problem: string };
export type Lab = { is_open: boolean; presets: string[]; rules: { name: string; title: string; description: string }[]; accounts_most: number; runs: Run[] };
export type Flow = Record<string, number[]>;
export type RuleSet = {
  rule: string;
  title: string;
  series: Flow;
  series_at_equal_margin: Flow;
  markets: { symbol: string; series: Flow }[];
};
export type Replay = {
  title: string;
  command: string;
  markets: string[];
  rules: Record<string, Record<string, any>>;
  rules_at_equal_margin: Record<string, Record<string, any>>;
  axis: { times_ms: number[]; bars_per_point: number };
  world: { symbol: string; series: Flow }[];
  sets: RuleSet[];
};

const EVERY_MS = 1_000;

export const lab = signal<Lab | null>(null);
export const result = signal<{ id: number; replay: Replay } | null>(null);
export const shownRun = signal<number | null>(null);
export const problem = signal("");

async function refresh(): Promise<void> {
  try {
    lab.value = await v1<Lab>("/lab");
    problem.value = "";
    const newest = lab.value.runs.find((run) => run.state === "done");
    if (shownRun.value === null && newest) await open(newest.id);
  } catch (error) {
    problem.value = (error as Error).message;
  }
}

/** Follows the laboratory while its page is shown; what is returned ends that. */
export function follow(): () => void {
  void refresh();
  const timer = setInterval(() => void refresh(), EVERY_MS);
  return () => clearInterval(timer);
}

/** Shows the result of a run. */
export async function open(id: number): Promise<void> {
  shownRun.value = id;
  result.value = { id, replay: await v1<Replay>(`/lab/runs/${id}/replay`) };
}

export async function start(asked: Asked): Promise<string> {
  const run = await v1<Run>("/lab/runs", asked);
  shownRun.value = null;
  await refresh();
  return `Replay ${run.id} has begun`;
}

export async function cancel(id: number): Promise<void> {
  const answer = await fetch(`/v1/lab/runs/${id}`, { method: "DELETE" });
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  await refresh();
}
