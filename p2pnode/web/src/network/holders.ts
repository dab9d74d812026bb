// Which peers hold a record. This page asks each peer that it can look into for its own row.
// Only the node itself can ask the others.
import { get, treePath, withToken } from "../api";
import type { Detail, Holder, NetworkPeer, Page } from "../types";
import { positionOf } from "./geometry";

export interface Holding {
  holders: Set<string>;
  /** Where the record is in the key space. */
  position?: number;
  /** Peers that could not be asked, with the reason. */
  failed: string[];
}

export async function askOwn(peers: NetworkPeer[], tree: string, key: string, signal: AbortSignal): Promise<Holding> {
  const holding: Holding = { holders: new Set(), failed: [] };
  const query = new URLSearchParams({ key, limit: "1" });
  await Promise.all(
    peers
      .filter((p) => p.self && p.up)
      .map(async (peer) => {
        try {
          const page = await get<Page>(`${treePath(peer.base, tree)}/rows?${query}`, signal);
          if (page.rows?.length) holding.holders.add(peer.id);
        } catch (err) {
          if (signal.aborted) throw err;
          holding.failed.push(peer.id);
        }
      }),
  );
  const holder = peers.find((p) => holding.holders.has(p.id));
  if (holder) {
    const detail = await get<Detail>(`${treePath(holder.base, tree)}/row?key=${encodeURIComponent(key)}`, signal);
    if (detail.record_key) holding.position = await positionOf(detail.record_key);
  }
  return holding;
}

export const askOthers = (base: string, tree: string, key: string): Promise<Holder[] | null> =>
  withToken(`${treePath(base, tree)}/holders?key=${encodeURIComponent(key)}`);
