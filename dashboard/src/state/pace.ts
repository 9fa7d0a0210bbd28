// What changes faster than an eye reads is shown at the eye's pace: the newest value, at most every so many ms.

/** Hands on the last value that it was given, at most every `gapMs`; the first one at once. */
export function paced<T>(put: (value: T) => void, gapMs: number): (value: T) => void {
  let waiting: { value: T } | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = (): void => {
    timer = undefined;
    if (waiting === null) return;
    const { value } = waiting;
    waiting = null;
    timer = setTimeout(flush, gapMs);
    put(value);
  };
  return (value) => {
    waiting = { value };
    if (timer === undefined) flush();
  };
}
