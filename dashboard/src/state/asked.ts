// Answers of /v1 that a page asks for again and again while it is shown.
import { useSignal, type Signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { v1 } from "../wire/http";
import { link } from "../wire/socket";

/** What `path` says, asked at once and every `everyMs`; null: nothing yet. `path` null: nothing is asked. */
export function useAsked<T>(path: string | null, everyMs: number): { answer: Signal<T | null>; error: Signal<string> } {
  const answer = useSignal<T | null>(null);
  const error = useSignal("");
  useEffect(() => {
    answer.value = null;
    error.value = "";
    if (path === null) return undefined;
    let live = true;
    const ask = (): void => {
      v1<T>(path).then(
        (told) => {
          if (!live) return;
          answer.value = told;
          error.value = "";
        },
        (refused: Error) => {
          if (live) error.value = refused.message;
        },
      );
    };
    ask();
    const timer = setInterval(() => {
      if (link.value === "live" && !document.hidden) ask();
    }, everyMs);
    return () => {
      live = false;
      clearInterval(timer);
    };
  }, [path, everyMs]);
  return { answer, error };
}
