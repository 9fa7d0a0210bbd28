// A panel with a heading, and what it says while it has nothing to show.
import type { ComponentChildren } from "preact";

export function Card({ title, note, wide, children }: { title: string; note?: string; wide?: boolean; children: ComponentChildren }) {
  return (
    <section class={`panel card${wide ? " wide" : ""}`} aria-label={title}>
      <h2>
        {title} {note ? <small>{note}</small> : null}
      </h2>
      {children}
    </section>
  );
}

export function Scroll({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={label}>
      {children}
    </div>
  );
}
