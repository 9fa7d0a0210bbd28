// Which page is shown: the part of the address behind #.
import { signal } from "@preact/signals";

export type Page = { path: string; name: string };
const read = (): string => location.hash.replace(/^#\/?/, "") || "trade";

export const route = signal(read());

export function startRoute(): void {
  window.addEventListener("hashchange", () => {
    route.value = read();
  });
}
