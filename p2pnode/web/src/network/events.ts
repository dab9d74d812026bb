// The events of the node, from now on.
import { useEffect, useRef, useState } from "preact/hooks";
import { messageOf, stream } from "../api";
import type { NodeEvent } from "../types";

/** How many events the page keeps. */
const kept = 200;

/** How often the list is drawn while events come, and how long the page waits to ask again. */
const drawEvery = 250;
const askAgain = 2000;

export interface Numbered extends NodeEvent {
  number: number;
}

export interface Feed {
  /** The last events, the newest first. */
  events: Numbered[];
  /** How many have come since the list was paused. */
  missed: number;
  state: "connecting" | "live" | "broken";
  /** Why the stream ended. */
  error?: string;
  /** How often the node has left out events because this page was too slow. */
  gaps: number;
}

/** Follows the events of the node. Each is called with every event at once, unless paused. */
export function useFeed(paused: boolean, each: (event: NodeEvent) => void): Feed {
  const [feed, setFeed] = useState<Feed>({ events: [], missed: 0, state: "connecting", gaps: 0 });
  const isPaused = useRef(paused);
  const report = useRef(each);
  report.current = each;
  const draw = useRef<() => void>(() => {});

  useEffect(() => {
    isPaused.current = paused;
    if (!paused) draw.current();
  }, [paused]);

  useEffect(() => {
    const ended = new AbortController();
    let recent: Numbered[] = [];
    let number = 0;
    let missed = 0;
    let gaps = 0;
    let timer = 0;
    let retry = 0;
    let state: Feed["state"] = "connecting";
    let error: string | undefined;
    const show = () => {
      timer = 0;
      if (!isPaused.current) missed = 0;
      setFeed((f) => ({ events: isPaused.current ? f.events : recent, missed, state, error, gaps }));
    };
    draw.current = show;
    const soon = () => {
      timer ||= setTimeout(show, drawEvery);
    };
    const take = (lines: unknown[]) => {
      const events: Numbered[] = [];
      for (const line of lines as (NodeEvent & { error?: { code: string; message: string } })[]) {
        if (line.error) {
          gaps++;
          continue;
        }
        events.push({ ...line, number: number++ });
        if (!isPaused.current) report.current(line);
      }
      recent = [...events.reverse(), ...recent].slice(0, kept);
      if (isPaused.current) missed += events.length;
      soon();
    };
    const follow = async () => {
      try {
        state = "live";
        soon();
        await stream("/v1/events", ended.signal, take);
        state = "connecting";
        error = undefined;
      } catch (err) {
        if (ended.signal.aborted) return;
        state = "broken";
        error = messageOf(err);
      }
      soon();
      if (!ended.signal.aborted) retry = setTimeout(follow, state === "broken" ? askAgain : 0);
    };
    follow();
    return () => {
      ended.abort();
      clearTimeout(timer);
      clearTimeout(retry);
    };
  }, []);
  return feed;
}
