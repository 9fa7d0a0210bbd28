// Candles with volume and the account's lines. TradingView's Lightweight Charts; its attribution stays.
import { effect, signal } from "@preact/signals";
import {
  type AutoscaleInfo,
  CandlestickSeries,
  ColorType,
  createChart,
  CrosshairMode,
  HistogramSeries,
  type IChartApi,
  type IPriceLine,
  type ISeriesApi,
  LineStyle,
  type UTCTimestamp,
} from "lightweight-charts";
import { useEffect, useRef } from "preact/hooks";
import { tickText } from "../parts/decimal";
import { tried } from "../state/told";
import { colour, theme } from "../state/theme";
import { paced } from "../state/pace";
import { coin, market } from "../state/venue";
import { info } from "../wire/http";
import { keep, recall } from "../wire/kept";
import { connections, subscribe } from "../wire/socket";
import type { Candle } from "../wire/types";
import { type ChartLine, lines, moveOrder } from "./lines";

const INTERVALS = ["1m", "5m", "15m", "1h", "4h", "1d"] as const;
const CANDLES = 500;
const BAR_MS = 250; // between two showings of the open candle
const GRAB_PX = 6;
const NEAR = 0.06; // lines within this share of the last price are kept in sight
const interval = signal<string>(recall("interval") ?? "1m");

declare global {
  interface Window {
    /** The chart that is shown, for scripts that ask where a price is. */
    seawallChart?: { y(price: number): number | null };
  }
}

const seconds = (candle: Candle): UTCTimestamp => ((candle.t - new Date(candle.t).getTimezoneOffset() * 60_000) / 1000) as UTCTimestamp;

class Plot {
  readonly chart: IChartApi;
  readonly candles: ISeriesApi<"Candlestick">;
  readonly volume: ISeriesApi<"Histogram">;
  private drawn = new Map<string, IPriceLine>();
  private dragged: { line: ChartLine; price: number } | null = null;
  private shown: ChartLine[] = [];
  private newest = 0;
  private readonly abort = new AbortController();

  constructor(private readonly box: HTMLElement) {
    this.chart = createChart(box, { autoSize: true, crosshair: { mode: CrosshairMode.Normal }, timeScale: { timeVisible: true, secondsVisible: false, rightOffset: 6 } });
    this.candles = this.chart.addSeries(CandlestickSeries, { borderVisible: false, autoscaleInfoProvider: (own: () => AutoscaleInfo | null) => this.scaled(own()) });
    this.volume = this.chart.addSeries(HistogramSeries, { priceFormat: { type: "volume" }, priceScaleId: "volume", lastValueVisible: false, priceLineVisible: false });
    this.chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.84, bottom: 0 } });
    this.candles.priceScale().applyOptions({ scaleMargins: { top: 0.08, bottom: 0.2 } });
    const { signal: until } = this.abort;
    box.addEventListener("pointerdown", (event) => this.grab(event), { capture: true, signal: until });
    box.addEventListener("pointermove", (event) => this.hover(event), { signal: until });
    window.addEventListener("pointermove", (event) => this.drag(event), { signal: until });
    window.addEventListener("pointerup", () => this.drop(), { signal: until });
  }

  paint(): void {
    const [good, bad] = [colour("good"), colour("bad")];
    this.chart.applyOptions({
      layout: { background: { type: ColorType.Solid, color: colour("panel") }, textColor: colour("muted"), fontSize: 11, fontFamily: colour("font"), attributionLogo: true },
      grid: { vertLines: { color: colour("grid") }, horzLines: { color: colour("grid") } },
      rightPriceScale: { borderColor: colour("line") },
      timeScale: { borderColor: colour("line") },
    });
    this.candles.applyOptions({ upColor: good, downColor: bad, wickUpColor: good, wickDownColor: bad });
    for (const line of this.drawn.values()) this.candles.removePriceLine(line);
    this.drawn.clear();
    this.draw(this.shown);
  }

  bar(candle: Candle): void {
    const [time, open, close] = [seconds(candle), Number(candle.o), Number(candle.c)];
    const isPast = time < this.newest; // how a bar ended may be told after the next one began
    this.candles.update({ time, open, high: Number(candle.h), low: Number(candle.l), close }, isPast);
    this.volume.update({ time, value: Number(candle.v), color: colour(close >= open ? "good-faint" : "bad-faint") }, isPast);
    this.newest = Math.max(this.newest, time);
  }

  fill(all: Candle[], decimals: number): void {
    this.newest = all.length ? seconds(all.at(-1)!) : 0;
    const [up, down] = [colour("good-faint"), colour("bad-faint")];
    this.candles.applyOptions({ priceFormat: { type: "price", precision: decimals, minMove: 10 ** -decimals } });
    this.candles.setData(all.map((one) => ({ time: seconds(one), open: Number(one.o), high: Number(one.h), low: Number(one.l), close: Number(one.c) })));
    this.volume.setData(all.map((one) => ({ time: seconds(one), value: Number(one.v), color: Number(one.c) >= Number(one.o) ? up : down })));
  }

  draw(all: ChartLine[]): void {
    this.shown = all;
    const ids = new Set(all.map((line) => line.id));
    for (const [id, line] of this.drawn) {
      if (ids.has(id)) continue;
      this.candles.removePriceLine(line);
      this.drawn.delete(id);
    }
    for (const line of all) {
      if (this.dragged?.line.id === line.id) continue;
      const known = this.drawn.get(line.id);
      if (known) known.applyOptions({ price: line.price, title: line.title });
      else this.drawn.set(line.id, this.candles.createPriceLine(this.optionsOf(line)));
    }
    this.box.dataset.lines = all.map((line) => line.title).join("|");
  }

  /** The range of prices in sight, stretched to lines that are not far away. */
  private scaled(own: AutoscaleInfo | null): AutoscaleInfo | null {
    if (own?.priceRange == null) return own;
    const { minValue, maxValue } = own.priceRange;
    const near = this.shown.map((line) => line.price).filter((price) => price > minValue * (1 - NEAR) && price < maxValue * (1 + NEAR));
    return { ...own, priceRange: { minValue: Math.min(minValue, ...near), maxValue: Math.max(maxValue, ...near) } };
  }

  private optionsOf(line: ChartLine) {
    const tint = line.tone === "entry" ? colour("text") : colour(line.tone);
    const style = line.order === null ? LineStyle.Solid : LineStyle.Dashed;
    return { price: line.price, title: line.title, color: tint, lineWidth: 1 as const, lineStyle: style, axisLabelVisible: true };
  }

  private at(event: PointerEvent): ChartLine | null {
    const y = event.clientY - this.box.getBoundingClientRect().top;
    const near = (line: ChartLine): boolean => Math.abs((this.candles.priceToCoordinate(line.price) ?? -99) - y) <= GRAB_PX;
    return this.shown.find((line) => line.order !== null && near(line)) ?? null;
  }

  private grab(event: PointerEvent): void {
    const line = this.at(event);
    if (line === null) return;
    event.stopPropagation();
    this.dragged = { line, price: line.price };
    this.chart.applyOptions({ handleScroll: false, handleScale: false });
  }

  private hover(event: PointerEvent): void {
    this.box.classList.toggle("grabbing", this.dragged !== null || this.at(event) !== null);
  }

  private drag(event: PointerEvent): void {
    if (this.dragged === null) return;
    const price = this.candles.coordinateToPrice(event.clientY - this.box.getBoundingClientRect().top);
    if (price === null || price <= 0) return;
    this.dragged.price = price;
    const text = tickText(price, market.value?.size_decimals ?? 0);
    this.drawn.get(this.dragged.line.id)?.applyOptions({ price, title: `${this.dragged.line.title} → ${text}` });
  }

  private drop(): void {
    const held = this.dragged;
    if (held === null) return;
    this.dragged = null;
    this.chart.applyOptions({ handleScroll: true, handleScale: true });
    this.draw(this.shown);
    if (held.price === held.line.price || held.line.order === null) return;
    const order = held.line.order;
    void tried(() => moveOrder(order, held.price)).then(() => this.draw(lines.peek()));
  }

  /** Where a price is, px from the top; null: out of sight. */
  y(price: number): number | null {
    return this.candles.priceToCoordinate(price);
  }

  end(): void {
    this.abort.abort();
    this.chart.remove();
  }
}

function load(plot: Plot, name: string, every: string, decimals: number): () => void {
  let live = true;
  let whole = false;
  let newest = 0;
  const until = Date.now() + 86_400_000;
  const asked = info<Candle[]>({ type: "candleSnapshot", req: { coin: name, interval: every, startTime: 0, endTime: until } });
  asked
    .then((all) => {
      if (!live) return;
      plot.fill(all.slice(-CANDLES), decimals);
      whole = true;
    })
    .catch(() => undefined); // the link's state tells of a break; it is loaded again then
  const show = paced((candle: Candle) => {
    if (live && whole) plot.bar(candle);
  }, BAR_MS);
  const end = subscribe({ type: "candle", coin: name, interval: every }, (candle: Candle) => {
    if (whole && candle.t < newest) plot.bar(candle); // how a bar ended is never left out
    newest = Math.max(newest, candle.t);
    show(candle);
  });
  return () => {
    live = false;
    end();
  };
}

export function Chart() {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const plot = new Plot(box.current!);
    window.seawallChart = plot;
    const ends = [
      effect(() => {
        void theme.value;
        plot.paint();
      }),
      effect(() => {
        const [name, every] = [coin.value, interval.value];
        void connections.value; // after a break candles are loaded again
        const price = Number(market.peek()?.mark ?? 0);
        const wire = tickText(price, market.peek()?.size_decimals ?? 0);
        return load(plot, name, every, wire.split(".")[1]?.length ?? 0);
      }),
      effect(() => plot.draw(lines.value)),
    ];
    return () => {
      ends.forEach((end) => end());
      plot.end();
    };
  }, []);
  return (
    <section class="panel chart" aria-label="Price chart">
      <div class="chart-bar" role="group" aria-label="Candle interval">
        {INTERVALS.map((one) => (
          <button
            key={one}
            type="button"
            aria-pressed={interval.value === one}
            onClick={() => {
              interval.value = one;
              keep("interval", one);
            }}
          >
            {one}
          </button>
        ))}
        <span class="hint">Drag a TP, SL or order line to move it</span>
      </div>
      <div class="plot" ref={box} />
    </section>
  );
}
