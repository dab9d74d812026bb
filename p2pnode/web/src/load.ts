import { useCallback, useEffect, useState } from "preact/hooks";
import { messageOf } from "./api";

export interface Loaded<T> {
  value?: T;
  /** Why the last attempt failed. The value may still be that of an earlier one. */
  error?: string;
  loading: boolean;
  again: () => void;
}

/**
 * Loads something whenever key changes, and every so many milliseconds if every is given, which may
 * depend on what was loaded last. The former value goes when key changes, and stays while the same is
 * loaded again.
 */
export function useLoad<T>(
  key: string,
  load: (signal: AbortSignal) => Promise<T>,
  every: number | ((last?: T) => number) = 0,
): Loaded<T> {
  const [state, setState] = useState<{ key: string; value?: T; error?: string; loading: boolean }>({
    key,
    loading: true,
  });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const ended = new AbortController();
    let timer = 0;
    const run = async () => {
      let value: T | undefined;
      try {
        value = await load(ended.signal);
        if (!ended.signal.aborted) setState({ key, value, loading: false });
      } catch (err) {
        if (ended.signal.aborted) return;
        setState((s) => ({ key, value: s.key === key ? s.value : undefined, error: messageOf(err), loading: false }));
      }
      const wait = typeof every === "number" ? every : every(value);
      if (wait > 0 && !ended.signal.aborted) timer = setTimeout(run, wait);
    };
    setState((s) => (s.key === key ? { ...s, loading: true } : { key, loading: true }));
    run();
    return () => {
      ended.abort();
      clearTimeout(timer);
    };
  }, [key, turn, typeof every === "number" ? every : 0]);
  const again = useCallback(() => setTurn((t) => t + 1), []);
  const current = state.key === key ? state : { loading: true };
  return { ...current, again };
}
