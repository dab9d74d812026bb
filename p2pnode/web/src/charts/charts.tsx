import type { Line, Series } from "../types";
import { Chart } from "./chart";

/** The charts that are known, in their order. Others come behind. */
const titles: Record<string, string> = {
  operations: "Operations a second",
  latency: "Latency",
  refusals: "Refused records by reason",
  evictions: "Evicted records",
  expired: "Expired records",
  records: "Records",
  disk: "Disk",
  memory: "Memory",
  peers: "Peers",
};

export function Charts({ series }: { series: Series }) {
  const charts = new Map<string, Line[]>(Object.keys(titles).map((name) => [name, []]));
  for (const line of series.lines ?? []) charts.set(line.chart, [...(charts.get(line.chart) ?? []), line]);
  return (
    <div class="charts">
      {[...charts].map(([name, lines]) => (
        <Chart key={name} title={titles[name] ?? name} times={series.times ?? []} lines={lines} />
      ))}
    </div>
  );
}
