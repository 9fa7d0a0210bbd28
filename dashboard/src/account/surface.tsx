// How far markets may move before a bucket is liquidated: along each market alone, all together, and, for the two
// largest positions of cross, in every direction of their plane.
import { Card } from "../parts/card";
import { share } from "../parts/decimal";
import { Num } from "../parts/num";
import { type Column, Table } from "../parts/table";
import { positions } from "../state/account";
import { useAsked } from "../state/asked";
import { Price } from "../trade/tables";

type Point = { bucket: string; direction: string; scale: string | null; moves: Record<string, string>; prices: Record<string, string> };
const EVERY_MS = 5_000;
const DIRECTIONS = 16;
const SIZE = 220;
const REACHES = [0.1, 0.25, 0.5, 1]; // of the plane, shares of a move: the least that shows every point, beyond 1 none is drawn

function Bar({ scale }: { scale: string }) {
  const width = Math.min(1, Number(scale)) * 100;
  const tone = Number(scale) < 0.1 ? "bad" : Number(scale) < 0.3 ? "warn" : "good";
  return (
    <svg class={`bar ${tone}`} viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
      <rect class="ground" width="100" height="8" />
      <rect class="fill" width={width} height="8" />
    </svg>
  );
}

const COLUMNS: Column<Point>[] = [
  { head: "Direction", of: (one) => one.direction },
  { head: "Bucket", of: (one) => one.bucket },
  { head: "Move", of: (one) => <Num v={one.scale} as="share" d={1} name={`surface-${one.direction}`} /> },
  { head: null, hidden: "Distance", look: "barred", of: (one) => (one.scale === null ? <span class="muted">never</span> : <Bar scale={one.scale} />) },
  { head: "Marks there", of: (one) => <Marks of={one.prices} /> },
];

function Marks({ of }: { of: Record<string, string> }) {
  const coins = Object.keys(of);
  return (
    <>
      {coins.slice(0, 3).map((coin) => (
        <span key={coin} class="pricebit">
          {coin} <Price coin={coin} v={of[coin]!} />
        </span>
      ))}
      {coins.length > 3 ? <span class="muted">and {coins.length - 3} more</span> : null}
    </>
  );
}

function plane(): [string, string] | null {
  const largest = positions.value
    .filter((one) => one.bucket === "cross")
    .sort((one, other) => Number(other.value) - Number(one.value))
    .map((one) => one.coin);
  return largest.length >= 2 ? [largest[0]!, largest[1]!] : null;
}

const angle = (step: number): [number, number] => [Math.cos((2 * Math.PI * step) / DIRECTIONS), Math.sin((2 * Math.PI * step) / DIRECTIONS)];
const nameOf = (pair: [string, string], step: number): string => {
  const [x, y] = angle(step);
  return `${pair[0]}=${x.toFixed(6)},${pair[1]}=${y.toFixed(6)}`;
};

function Plane({ pair, points }: { pair: [string, string]; points: Point[] }) {
  const found = points.filter((one) => one.direction.includes("=") && one.bucket === "cross" && one.scale !== null);
  const lengthOf = (one: Point): number => Math.max(...pair.map((coin) => Math.abs(Number(one.moves[coin] ?? 0))));
  const reached = found.filter((one) => lengthOf(one) <= 1);
  const reach = REACHES.find((one) => reached.every((point) => lengthOf(point) <= one)) ?? 1;
  const scale = (move: number): number => (SIZE / 2) * (move / reach);
  return (
    <figure class="plane">
      <svg viewBox={`${-SIZE / 2 - 4} ${-SIZE / 2 - 4} ${SIZE + 8} ${SIZE + 8}`} role="img" aria-label={`Moves of ${pair[0]} and ${pair[1]} at which cross is liquidated`}>
        <rect class="ground" x={-SIZE / 2} y={-SIZE / 2} width={SIZE} height={SIZE} />
        <line class="axis" x1={-SIZE / 2} x2={SIZE / 2} y1="0" y2="0" />
        <line class="axis" y1={-SIZE / 2} y2={SIZE / 2} x1="0" x2="0" />
        {reached.map((one) => {
          const [x, y] = [scale(Number(one.moves[pair[0]] ?? 0)), -scale(Number(one.moves[pair[1]] ?? 0))];
          return (
            <g key={one.direction}>
              <line class="ray" x1="0" y1="0" x2={x} y2={y} />
              <circle class="point" cx={x} cy={y} r="3.2">
                <title>
                  {pair[0]} {share(one.moves[pair[0]] ?? "0", 1)}, {pair[1]} {share(one.moves[pair[1]] ?? "0", 1)}
                </title>
              </circle>
            </g>
          );
        })}
        <circle class="here" r="3" />
      </svg>
      <figcaption>
        {pair[0]} across, {pair[1]} up, ±{100 * reach} %. A point: the first move in its direction that liquidates cross.
      </figcaption>
    </figure>
  );
}

export function Surface({ who }: { who: string }) {
  const pair = plane();
  const asked = pair ? Array.from({ length: DIRECTIONS }, (_, step) => `direction=${encodeURIComponent(nameOf(pair, step))}`).join("&") : "";
  const { answer, error } = useAsked<{ points: Point[] }>(`/accounts/${who}/surface${asked ? `?${asked}` : ""}`, EVERY_MS);
  const points = answer.value?.points ?? [];
  const standard = points.filter((one) => !one.direction.includes("="));
  return (
    <Card title="Liquidation surface" note="The nearest liquidating point along each direction, by the rule that the bucket is in" wide>
      {error.value ? <p class="why bad">{error.value}</p> : null}
      {answer.value !== null && standard.length === 0 ? <p class="empty">No positions: nothing can be liquidated.</p> : null}
      {standard.length ? (
        <div class={pair ? "surface paired" : "surface"}>
          <Table label="Surface" look="left" columns={COLUMNS} rows={standard} keyOf={(one) => one.bucket + one.direction} />
          {pair ? <Plane pair={pair} points={points} /> : null}
        </div>
      ) : null}
    </Card>
  );
}
