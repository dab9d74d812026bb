import { useEffect, useMemo, useRef } from "preact/hooks";
import { plural, shortID } from "../format";
import type { NetworkPeer } from "../types";
import { Dots } from "./dots";
import { at, box, curve, place, ringRadius, type Placed } from "./geometry";

/** More links than this make a grey disc: then only those of the chosen peer are drawn. */
const mostLinks = 1200;

export type Send = (from: string, to: string, kind: string) => void;

interface Props {
  peers: NetworkPeer[];
  chosen?: string;
  choose: (id: string) => void;
  holders?: Set<string>;
  /** Where the chosen record is in the key space. */
  record?: number;
  still: boolean;
  /** Is set to a function that sends a dot from a peer to another. */
  send: { current: Send };
}

export function Ring({ peers, chosen, choose, holders, record, still, send }: Props) {
  const placed = useMemo(() => place(peers), [peers]);
  const byID = useMemo(() => new Map(placed.map((p) => [p.peer.id, p])), [placed]);
  const links = useMemo(() => linksOf(placed, byID), [placed, byID]);
  const layer = useRef<SVGGElement>(null);
  const dots = useRef<Dots>(null);
  useEffect(() => {
    dots.current = new Dots(layer.current!);
    return () => dots.current?.clear();
  }, []);
  useEffect(() => {
    if (still) dots.current?.clear();
    send.current = (from, to, kind) => {
      const [a, b] = [byID.get(from), byID.get(to)];
      if (!still && a && b && a !== b) dots.current?.send(a.exact, b.exact, kind);
    };
  }, [byID, still]);

  // One peer is in the order of focus, and arrow keys go from it to the others.
  const current = placed.some((p) => p.peer.id === chosen) ? chosen : placed[0]?.peer.id;
  const onKeyDown = (e: KeyboardEvent) => {
    const i = placed.findIndex((p) => p.peer.id === current);
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[e.key];
    let next = i;
    if (step) next = (i + step + placed.length) % placed.length;
    else if (e.key === "Home") next = 0;
    else if (e.key === "End") next = placed.length - 1;
    else if (e.key !== " " && e.key !== "Enter") return;
    e.preventDefault();
    choose(placed[next]!.peer.id);
    (e.currentTarget as Element).querySelectorAll<SVGGElement>("[role=radio]")[next]?.focus();
  };
  const mark = record === undefined ? undefined : at(record);
  return (
    <svg class="ring" viewBox={`0 0 ${box} ${box}`} role="group" aria-label="Peers on the ring of the key space">
      <circle class="circle" cx={box / 2} cy={box / 2} r={ringRadius} />
      <g aria-hidden="true">
        {links.length <= mostLinks &&
          links.map(([a, b]) => <path key={a.peer.id + b.peer.id} class="link" d={curve(a.exact, b.exact)} />)}
        {links
          .filter(([a, b]) => a.peer.id === chosen || b.peer.id === chosen)
          .map(([a, b]) => (
            <path key={a.peer.id + b.peer.id} class="link own" d={curve(a.exact, b.exact)} />
          ))}
      </g>
      <g ref={layer} aria-hidden="true" />
      {mark && (
        <g aria-hidden="true">
          <title>Where the record is in the key space</title>
          <path class="record" d={`M${mark.x} ${mark.y - 9}l9 9l-9 9l-9-9z`} />
        </g>
      )}
      <g role="radiogroup" aria-label="Peers" onKeyDown={onKeyDown}>
        {placed.map((p) => {
          const { peer } = p;
          const holds = holders?.has(peer.id) ?? false;
          return (
            <g
              key={peer.id}
              role="radio"
              aria-checked={peer.id === chosen}
              aria-label={describe(peer, holds)}
              tabindex={peer.id === current ? 0 : -1}
              class={`peer ${peer.up ? "up" : "down"}${holds ? " holds" : ""}${peer.id === chosen ? " chosen" : ""}`}
              onClick={() => choose(peer.id)}
            >
              <title>{describe(peer, holds)}</title>
              <path class="leader" d={`M${p.exact.x} ${p.exact.y}L${p.beside.x} ${p.beside.y}`} />
              <circle class="tick" cx={p.exact.x} cy={p.exact.y} r="2.5" />
              <circle class="reach" cx={p.beside.x} cy={p.beside.y} r={p.radius + 6} />
              <circle class="body" cx={p.beside.x} cy={p.beside.y} r={p.radius} />
              {!peer.up && <path class="cross" d={cross(p)} />}
              {placed.length <= 40 && (
                <text x={p.label.x} y={p.label.y} class={peer.name ? "" : "id"}>
                  {peer.name || peer.id.slice(-4)}
                </text>
              )}
            </g>
          );
        })}
      </g>
    </svg>
  );
}

function cross({ beside: { x, y }, radius }: Placed): string {
  const d = radius * 0.45;
  return `M${x - d} ${y - d}l${2 * d} ${2 * d}m${-2 * d} 0l${2 * d} ${-2 * d}`;
}

export const nameOf = (peer: NetworkPeer) => (peer.name ? `Peer ${peer.name}` : shortID(peer.id));

function describe(peer: NetworkPeer, holds: boolean): string {
  const parts = [nameOf(peer), peer.up ? "running" : "stopped"];
  if (peer.held >= 0) parts.push(plural(peer.held, "record"));
  if (holds) parts.push("holds the chosen record");
  return parts.join(", ");
}

/** Each pair of peers that know each other once. */
function linksOf(placed: Placed[], byID: Map<string, Placed>): [Placed, Placed][] {
  const seen = new Set<string>();
  const links: [Placed, Placed][] = [];
  for (const a of placed) {
    for (const id of a.peer.links ?? []) {
      const b = byID.get(id);
      const pair = a.peer.id < id ? `${a.peer.id} ${id}` : `${id} ${a.peer.id}`;
      if (!b || a === b || !a.peer.up || !b.peer.up || seen.has(pair)) continue;
      seen.add(pair);
      links.push([a, b]);
    }
  }
  return links;
}
