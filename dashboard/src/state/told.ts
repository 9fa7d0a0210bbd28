// Short messages to the user, read out by screen readers; they leave by themselves.
import { signal } from "@preact/signals";

export type Tone = "good" | "bad" | "warn";
type Message = { id: number; tone: Tone; text: string };

const STAYS_MS = 6_000;
export const messages = signal<Message[]>([]);
let next = 1;

export function tell(tone: Tone, text: string): void {
  const id = next++;
  messages.value = [...messages.value.slice(-3), { id, tone, text }];
  setTimeout(() => {
    messages.value = messages.value.filter((one) => one.id !== id);
  }, STAYS_MS);
}

/** Runs what may be refused; tells how it went; whether it went well. */
export async function tried(work: () => Promise<string | void>): Promise<boolean> {
  try {
    const said = await work();
    if (said) tell("good", said);
    return true;
  } catch (error) {
    tell("bad", (error as Error).message);
    return false;
  }
}
