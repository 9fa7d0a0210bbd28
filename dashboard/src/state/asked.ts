// Answers of /v1 that a page asks for again and again while it is shown.
import { useSignal, type Signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type Refusal, v1 } from "../wire/http";
import { link } from "../wire/socket";

type Asked<T> = { answer: Signal<T | null>; error: Signal<string>; isAbsent: Signal<boolean> };

/** What `path` says, asked at once and every `everyMs`; null: nothing yet. `isAbsent`: this venue has no such path. */
export function useAsked<T>(path: string, everyMs: number): Asked<T> {
  const answer = useSignal<T | null>(null);
  const error = useSignal("");
  const isAbsent = useSignal(false);
  useEffect(() => {
    answer.value = null;
    error.value = "";
    isAbsent.value = false;
    let live = true;
    const ask = (): void => {
      v1<T>(path).then(
        (told) => {
          if (!live) return;
          answer.value = told;
          error.value = "";
        },
        (refused: Refusal) => {
          if (!live) return;
          error.value = refused.message;
          isAbsent.value = refused.code === "not_found";
        },
      );
    };
    ask();
    const timer = setInterval(() => {
      if (link.value === "live" && !document.hidden && !isAbsent.value) ask();
    }, everyMs);
    return () => {
      live = false;
      clearInterval(timer);
    };
  }, [path, everyMs]);
  return { answer, error, isAbsent };
}
