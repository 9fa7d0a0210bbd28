// Decimal text as the API gives it: rounded and grouped by its digits, never through a float.

const MINUS = "−";
const SAFE_DIGITS = 15; // whole numbers up to here are exact in a double

/** Rounds decimal text half away from zero to `places`, keeping trailing zeros. */
export function rounded(text: string, places: number): string {
  const negative = text.startsWith("-");
  const [whole = "0", fraction = ""] = (negative ? text.slice(1) : text).split(".");
  const padded = fraction.padEnd(places + 1, "0");
  const kept = whole + padded.slice(0, places);
  const up = padded.charCodeAt(places) >= 53;
  const digits = kept.length <= SAFE_DIGITS ? String(Number(kept) + (up ? 1 : 0)) : String(BigInt(kept) + (up ? 1n : 0n));
  const all = digits.padStart(places + 1, "0");
  const cut = all.length - places;
  const made = places ? `${all.slice(0, cut)}.${all.slice(cut)}` : all;
  return negative && digits !== "0" ? `-${made}` : made;
}

/** Rounds towards zero. */
export function cut(text: string, places: number): string {
  const [whole = "0", fraction = ""] = text.split(".");
  return places ? `${whole}.${fraction.slice(0, places).padEnd(places, "0")}` : whole;
}

/** Grouped by thousands, with a real minus sign. */
export function grouped(text: string): string {
  const negative = text.startsWith("-");
  const [whole = "0", fraction] = (negative ? text.slice(1) : text).split(".");
  const made = whole.replace(/\B(?=(\d{3})+$)/g, ",") + (fraction === undefined ? "" : `.${fraction}`);
  return negative ? MINUS + made : made;
}

export const usd = (text: string, places = 2): string => grouped(rounded(text, places));
export const share = (text: string, places = 2): string => `${grouped(rounded(shifted(text, 2), places))}%`;

/** Times ten to the `by`. */
export function shifted(text: string, by: number): string {
  const negative = text.startsWith("-");
  const [whole = "0", fraction = ""] = (negative ? text.slice(1) : text).split(".");
  const padded = fraction.padEnd(by, "0");
  const made = `${whole}${padded.slice(0, by)}`.replace(/^0+(?=\d)/, "");
  const rest = padded.slice(by);
  return (negative ? "-" : "") + made + (rest ? `.${rest}` : "");
}

/** Decimals that a price of this size is shown with: six figures, as far as the market's ticks go. */
export function priceDecimals(price: number, sizeDecimals: number): number {
  const whole = price >= 1 ? Math.floor(Math.log10(price)) + 1 : 1;
  return Math.max(0, Math.min(6 - sizeDecimals, 6 - whole));
}

/** A price that the wire takes: five figures, at most 6 - sizeDecimals decimals; whole prices always. */
export function tickText(price: number, sizeDecimals: number): string {
  if (!(price > 0)) return "0";
  const places = Math.max(0, Math.min(6 - sizeDecimals, 4 - Math.floor(Math.log10(price))));
  return price.toFixed(places);
}

/** Sum of decimal texts of at most 12 decimals, exactly. */
export function plus(...texts: string[]): string {
  const total = texts.reduce((sum, text) => sum + BigInt(rounded(text, 12).replace(".", "")), 0n);
  const negative = total < 0n;
  const digits = (negative ? -total : total).toString().padStart(13, "0");
  return `${negative ? "-" : ""}${digits.slice(0, -12)}.${digits.slice(-12)}`.replace(/0+$/, "").replace(/\.$/, "");
}

const two = (value: number): string => String(value).padStart(2, "0");

export function clock(time: number): string {
  const at = new Date(time);
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

export function stamp(time: number): string {
  const at = new Date(time);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${clock(time)}`;
}

export function span(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const hours = Math.floor(seconds / 3600);
  return `${two(hours)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}
