// What would happen to the account, by the engine's own rule: figures at once, and after them how likely a liquidation
// is before and after. Asked a moment after the last change; an answer that is overtaken is left out.
import { type Signal, signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { type Refusal, v1 } from "../wire/http";
import type { ForesightAfter, WhatIf } from "../wire/types";

const WAIT_MS = 220;
const REST_MS = 300; // more, until paths are counted: they cost the venue more

export class Asker {
  readonly told: Signal<WhatIf | null> = signal(null);
  readonly chances: Signal<ForesightAfter | null> = signal(null);
  /** Whether `chances` are still to come. */
  readonly isCounting = signal(false);
  readonly error: Signal<Refusal | null> = signal(null);
  private timer = 0;
  private asked = 0;

  /** Asks for `who` what `body` would do; null: nothing is asked any more. */
  ask(who: string | null, body: unknown): void {
    clearTimeout(this.timer);
    const mine = ++this.asked;
    if (who === null || body === null) {
      this.put(null, null);
      return;
    }
    this.timer = window.setTimeout(() => void this.look(mine, `/accounts/${who}/what-if`, body), WAIT_MS);
  }

  end(): void {
    clearTimeout(this.timer);
    this.asked += 1;
  }

  private async look(mine: number, path: string, body: unknown): Promise<void> {
    try {
      const told = await v1<WhatIf>(path, body);
      if (mine !== this.asked) return;
      this.put(told, null);
    } catch (error) {
      if (mine === this.asked) this.put(null, error as Refusal);
      return;
    }
    this.isCounting.value = true;
    this.timer = window.setTimeout(() => void this.count(mine, `${path}/foresight`, body), REST_MS);
  }

  private async count(mine: number, path: string, body: unknown): Promise<void> {
    const chances = await v1<ForesightAfter>(path, body).catch(() => null); // the figures stand without it
    if (mine !== this.asked) return;
    this.chances.value = chances;
    this.isCounting.value = false;
  }

  private put(told: WhatIf | null, error: Refusal | null): void {
    this.told.value = told;
    this.chances.value = null;
    this.isCounting.value = false;
    this.error.value = error;
  }
}

/** An asker for as long as a component is shown. */
export function useWhatIf(who: string | null, body: unknown): Asker {
  const asker = useMemo(() => new Asker(), []);
  useEffect(() => asker.ask(who, body), [who, JSON.stringify(body)]);
  useEffect(() => () => asker.end(), []);
  return asker;
}
