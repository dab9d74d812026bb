// Where things are on the ring. A position is from 0 on and below 1, and goes clockwise from the top.
import type { NetworkPeer } from "../types";

export const box = 640;
const centre = box / 2;
const ring = 238;
const outer = 278;

export interface Point {
  x: number;
  y: number;
}

export const ringRadius = ring;

export function at(position: number, radius = ring): Point {
  const angle = position * 2 * Math.PI - Math.PI / 2;
  return { x: centre + radius * Math.cos(angle), y: centre + radius * Math.sin(angle) };
}

/** A peer with its place: exactly on the ring, and beside it where there is room to draw it. */
export interface Placed {
  peer: NetworkPeer;
  radius: number;
  exact: Point;
  beside: Point;
  label: Point;
}

export function place(peers: NetworkPeer[]): Placed[] {
  const sorted = [...peers].sort((a, b) => a.position - b.position);
  const room = (2 * Math.PI * outer) / Math.max(sorted.length, 1);
  const radius = Math.min(11, Math.max(3, room / 2 - 2));
  const spread = apart(
    sorted.map((p) => p.position),
    Math.min((2 * radius + 4) / (2 * Math.PI * outer), 1 / Math.max(sorted.length, 1)),
  );
  return sorted.map((peer, i) => ({
    peer,
    radius,
    exact: at(peer.position),
    beside: at(spread[i]!, outer),
    label: at(spread[i]!, outer + radius + 13),
  }));
}

/** Moves sorted positions on the circle until neighbours are gap apart, in equal parts. */
function apart(positions: number[], gap: number): number[] {
  const moved = [...positions];
  const n = moved.length;
  for (let round = 0; n > 1 && round < 200; round++) {
    let done = true;
    for (let i = 0; i < n; i++) {
      const next = (i + 1) % n;
      const between = moved[next]! + (next === 0 ? 1 : 0) - moved[i]!;
      if (between >= gap - 1e-6) continue;
      done = false;
      moved[i]! -= (gap - between) / 2;
      moved[next]! += (gap - between) / 2;
    }
    if (done) break;
  }
  return moved;
}

/** The curve of a link bends towards the centre, so that links differ from the ring. */
export function curve(a: Point, b: Point): string {
  const m = bend(a, b);
  return `M${a.x.toFixed(1)} ${a.y.toFixed(1)}Q${m.x.toFixed(1)} ${m.y.toFixed(1)} ${b.x.toFixed(1)} ${b.y.toFixed(1)}`;
}

function bend(a: Point, b: Point): Point {
  return { x: centre + ((a.x + b.x) / 2 - centre) * 0.45, y: centre + ((a.y + b.y) / 2 - centre) * 0.45 };
}

/** The point of the curve from a to b after the share t of the way. */
export function along(a: Point, b: Point, t: number): Point {
  const m = bend(a, b);
  const u = 1 - t;
  return { x: u * u * a.x + 2 * u * t * m.x + t * t * b.x, y: u * u * a.y + 2 * u * t * m.y + t * t * b.y };
}

/** The position of a text in the key space: the first 52 bits of its SHA-256. */
export async function positionOf(text: string): Promise<number> {
  const digest = new DataView(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return (digest.getUint32(0) * 2 ** 20 + (digest.getUint32(4) >>> 12)) / 2 ** 52;
}
