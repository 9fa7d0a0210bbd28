// The one table of all pages: columns that say what they show of a row. Alone it scrolls by itself, and is a region
// that the keyboard reaches.
import type { ComponentChildren } from "preact";
import { Scroll } from "./card";

/** `head` null: what a screen reader calls the column is `hidden`, and the eye sees nothing. */
export type Column<T> = {
  head: string | null;
  hidden?: string;
  help?: string;
  look?: string | ((row: T) => string);
  of: (row: T) => ComponentChildren;
};
type Props<T> = {
  columns: Column<T>[];
  rows: T[];
  keyOf: (row: T, at: number) => string | number;
  empty?: ComponentChildren;
  label?: string;
  look?: string;
  name?: string;
  rowOf?: (row: T) => { class?: string; onClick?: () => void; [data: `data-${string}`]: string };
  children?: ComponentChildren; // rows below all others: sums
};

const lookOf = <T,>(column: Column<T>, row: T): string | undefined => (typeof column.look === "function" ? column.look(row) : column.look);

/** `label`: scrolls under that name; without it the place it stands in scrolls. `empty`: what is said without rows. */
export function Table<T>({ columns, rows, keyOf, empty, label, look, name, rowOf, children }: Props<T>) {
  if (rows.length === 0) return empty ? <p class="empty">{empty}</p> : null;
  const table = (
    <table class={`table ${look ?? ""}`} data-name={name}>
      <thead>
        <tr>
          {columns.map((one) => (
            <th key={one.head ?? one.hidden} scope="col" title={one.help}>
              {one.head ?? <span class="hidden">{one.hidden}</span>}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, at) => (
          <tr key={keyOf(row, at)} {...rowOf?.(row)}>
            {columns.map((one) => (
              <td key={one.head ?? one.hidden} class={lookOf(one, row)}>
                {one.of(row)}
              </td>
            ))}
          </tr>
        ))}
        {children}
      </tbody>
    </table>
  );
  return label ? <Scroll label={label}>{table}</Scroll> : table;
}
