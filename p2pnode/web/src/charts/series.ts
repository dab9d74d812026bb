import type { Line, Series } from "../types";

/** How many seconds the page keeps, as many as the node. */
const kept = 3600;

const name = (l: Line) => `${l.chart} ${l.name}`;

/** Puts new samples behind the former ones. Lines may come and go. */
export function merge(before: Series | undefined, more: Series): Series {
  const old = before?.times ?? [];
  const last = old.at(-1) ?? -Infinity;
  const times = more.times ?? [];
  const first = times.findIndex((t) => t > last);
  if (first < 0) return before ?? more;
  const fresh = times.slice(first);
  const skip = old.findIndex((t) => t > fresh.at(-1)! - kept);
  const keep = skip < 0 ? [] : old.slice(skip);
  const nothing = (n: number): null[] => Array(n).fill(null);
  const lines = new Map<string, Line>();
  for (const l of before?.lines ?? []) {
    const values = skip < 0 ? [] : l.values.slice(skip);
    lines.set(name(l), { ...l, values: [...values, ...nothing(fresh.length)] });
  }
  for (const l of more.lines ?? []) {
    const former = lines.get(name(l))?.values.slice(0, keep.length) ?? nothing(keep.length);
    lines.set(name(l), { ...l, values: [...former, ...l.values.slice(first)] });
  }
  return { times: [...keep, ...fresh], lines: [...lines.values()] };
}
