// A place in the queue of auto-deleveraging as five lights: all on, among the first fifth to be closed.
const COUNT = 5;

export function Lights({ of }: { of: number }) {
  const words = of === COUNT - 1 ? "among the first to be closed" : of === 0 ? "among the last" : "between";
  return (
    <span class="lights" role="img" aria-label={`${of} of ${COUNT - 1}: ${words}`}>
      {Array.from({ length: COUNT }, (_, at) => (
        <i key={at} class={at <= of ? "on" : ""} />
      ))}
    </span>
  );
}
