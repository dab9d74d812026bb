import { useEffect, useRef, useState } from "preact/hooks";
import { get, getPlain, messageOf } from "../api";
import { useLoad } from "../load";
import type { Series, Status } from "../types";
import { Charts } from "./charts";
import { merge } from "./series";
import { StatusPanel } from "./status";

/** How often the node samples, and the page asks. */
const every = 5000;

/** The work of a peer: what it is doing now, and charts of the last hour. */
export function WorkView({ base }: { base: string }) {
  const status = useLoad(`${base} status`, (signal) => get<Status>(`${base}/v1/status`, signal), every);
  const { series, error } = useSeries(base);
  return (
    <div class="work">
      <section class="panel" aria-labelledby="work">
        <h1 id="work">Work</h1>
        {status.error && (
          <p class="error" role="alert">
            {status.error}
          </p>
        )}
        {status.value ? <StatusPanel status={status.value} /> : !status.error && <p class="empty">Loading…</p>}
      </section>
      {error && error !== status.error && (
        <p class="error" role="alert">
          {error}
        </p>
      )}
      {series && <Charts series={series} />}
      {!series && !error && <p class="empty">Loading the charts…</p>}
    </div>
  );
}

/** The samples of the last hour. Only those that are new are asked for. */
function useSeries(base: string): { series?: Series; error?: string } {
  const [state, setState] = useState<{ series?: Series; error?: string }>({});
  const last = useRef<Series>(null);
  useEffect(() => {
    const ended = new AbortController();
    let timer = 0;
    last.current = null;
    setState({});
    const ask = async () => {
      try {
        const since = last.current?.times?.at(-1);
        const more = await getPlain<Series>(
          `${base}/v1/series${since === undefined ? "" : `?since=${since}`}`,
          ended.signal,
        );
        last.current = merge(last.current ?? undefined, more);
        setState({ series: last.current });
      } catch (err) {
        if (ended.signal.aborted) return;
        setState({ series: last.current ?? undefined, error: messageOf(err) });
      }
      timer = setTimeout(ask, every);
    };
    ask();
    return () => {
      ended.abort();
      clearTimeout(timer);
    };
  }, [base]);
  return state;
}
