// A uPlot in a box that follows its width and the theme.
import { effect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { colour, theme } from "../state/theme";

export type Series = { label: string; tone: string; fill?: string; values: (number | null)[]; stepped?: boolean };
type Props = { x: number[]; series: Series[]; xLabel: (value: number) => string; yLabel: (value: number) => string; time?: boolean; height?: number; name: string };

const HEIGHT = 220;

/** Of "2026-01-31 13:00" what an axis has room for: its clock time, and at midnight its day. */
const hourOf = (text: string): string => (text.endsWith("00:00") ? text.slice(5, 10) : text.slice(11));

function optionsOf({ series, xLabel, yLabel, time, height }: Props, width: number): uPlot.Options {
  const axis = { stroke: colour("muted"), grid: { stroke: colour("grid"), width: 1 }, ticks: { stroke: colour("line"), width: 1 }, font: `11px ${colour("font")}` };
  return {
    width,
    height: height ?? HEIGHT,
    title: undefined,
    scales: { x: { time: time ?? false } },
    legend: { live: true },
    axes: [
      { ...axis, values: (_, ticks) => ticks.map((tick) => (time ? hourOf(xLabel(tick)) : xLabel(tick))) },
      { ...axis, size: 70, values: (_, ticks) => ticks.map(yLabel) },
    ],
    series: [
      { label: "at", value: (_, value) => (value == null ? "–" : xLabel(value)) },
      ...series.map((one) => ({
        label: one.label,
        stroke: colour(one.tone),
        fill: one.fill ? colour(one.fill) : undefined,
        width: 1.5,
        points: { show: false },
        paths: one.stepped ? uPlot.paths.stepped!({ align: 1 }) : undefined,
        value: (_: uPlot, value: number | null) => (value == null ? "–" : yLabel(value)),
      })),
    ],
  };
}

export function Plot(props: Props) {
  const box = useRef<HTMLDivElement>(null);
  const data = [props.x, ...props.series.map((one) => one.values)] as uPlot.AlignedData;
  const kept = useRef<uPlot | null>(null);
  const shape = props.series.map((one) => one.label).join("|");
  useEffect(() => {
    const home = box.current!;
    const end = effect(() => {
      void theme.value;
      kept.current?.destroy();
      kept.current = new uPlot(optionsOf(props, home.clientWidth), data, home);
    });
    const observer = new ResizeObserver(() => kept.current?.setSize({ width: home.clientWidth, height: props.height ?? HEIGHT }));
    observer.observe(home);
    return () => {
      end();
      observer.disconnect();
      kept.current?.destroy();
      kept.current = null;
    };
  }, [shape]);
  useEffect(() => kept.current?.setData(data), [props.x, ...props.series.map((one) => one.values)]);
  return <div class="uplot-box" ref={box} role="img" aria-label={props.name} />;
}
