// Dark or light: as chosen, else as the system has it.
import { effect, signal } from "@preact/signals";
import { keep, recall } from "../wire/kept";

const wishes = matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
export const theme = signal<"dark" | "light">((recall("theme") as "dark" | "light" | null) ?? wishes);

export function startTheme(): void {
  effect(() => {
    document.documentElement.dataset.theme = theme.value;
  });
}

export function switchTheme(): void {
  theme.value = theme.value === "dark" ? "light" : "dark";
  keep("theme", theme.value);
}

/** A colour of the style sheet, for what is drawn on a canvas. */
export const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
