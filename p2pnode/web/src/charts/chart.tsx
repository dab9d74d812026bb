import { useEffect, useId, useMemo, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { measure, timeOfDay } from "../format";
import type { Line } from "../types";

const height = 170;

/** How many colours style/charts.css has for lines. */
const colours = 8;

/** The time of day below an axis, with seconds where minutes are too long. */
function times(_plot: uPlot, splits: number[], _axis: number, _space: number, step: number): string[] {
  return splits.map((t) => {
    const text = timeOfDay(new Date(t * 1000).toISOString());
    return step < 60 ? text : text.slice(0, 5);
  });
}

/** Steps of an axis of bytes. */
const powers = Array.from({ length: 50 }, (_, i) => 2 ** i);

const dark = matchMedia("(prefers-color-scheme: dark)");

/** One chart, with its newest values as text. */
export function Chart({ title, times, lines }: { title: string; times: number[]; lines: Line[] }) {
  const id = useId();
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(null);
  const unit = lines[0]?.unit ?? "";
  const data = useMemo(() => [times, ...lines.map((l) => l.values)] as uPlot.AlignedData, [times, lines]);
  const shape = lines.map((l) => `${l.name} ${l.unit}`).join("\n");
  const empty = times.length === 0 || lines.length === 0;

  useEffect(() => {
    if (empty) return;
    const element = place.current!;
    const make = () => {
      plot.current?.destroy();
      plot.current = new uPlot(options(element, lines, unit), data, element);
    };
    make();
    const resized = new ResizeObserver(() => {
      if (plot.current?.width !== element.clientWidth) plot.current?.setSize({ width: element.clientWidth, height });
    });
    resized.observe(element);
    dark.addEventListener("change", make);
    return () => {
      resized.disconnect();
      dark.removeEventListener("change", make);
      plot.current?.destroy();
      plot.current = null;
    };
  }, [shape, empty]);
  useEffect(() => plot.current?.setData(data), [data]);

  return (
    <section class="panel chart" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {empty ? <p class="empty">Nothing is measured yet.</p> : <div ref={place} class="plot" aria-hidden="true" />}
      <ul class="key">
        {lines.map((l, i) => {
          const last = l.values.findLast((v) => v !== null);
          return (
            <li key={l.name} class={`line-${i % colours}`}>
              <span>{l.name}</span> <b>{last === undefined || last === null ? "none" : measure(last, l.unit)}</b>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

function options(element: HTMLElement, lines: Line[], unit: string): uPlot.Options {
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const font = `11px ${style.fontFamily}`;
  const axis: uPlot.Axis = {
    stroke: colour("--muted"),
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { stroke: colour("--line"), width: 1, size: 4 },
    font,
  };
  return {
    width: element.clientWidth,
    height,
    padding: [10, 12, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: { y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.08 : 1] } },
    axes: [
      { ...axis, size: 28, values: times, space: 60 },
      {
        ...axis,
        size: 68,
        space: 28,
        incrs: unit === "B" ? powers : undefined,
        values: (_plot, splits) => splits.map((v) => measure(v, unit)),
      },
    ],
    series: [
      {},
      ...lines.map((l, i) => ({
        label: l.name,
        stroke: colour(`--line-${i % colours}`),
        width: 1.75,
        points: { show: false },
      })),
    ],
  };
}
