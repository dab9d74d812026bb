import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Loaded } from "../load";
import type { Network, NetworkPeer, NodeEvent } from "../types";
import { useFeed } from "./events";
import { EventList } from "./list";
import { PeerPanel } from "./peer";
import { RecordPanel, useHolding } from "./record";
import { Ring, type Send } from "./ring";

const reduced = matchMedia("(prefers-reduced-motion: reduce)");

export function NetworkView({ network, params }: { network: Loaded<Network>; params: URLSearchParams }) {
  const peers = network.value?.peers ?? [];
  const byID = useMemo(() => new Map(peers.map((p) => [p.id, p])), [peers]);
  const [chosen, choose] = useState<string>();
  const [paused, pause] = useState(false);
  const [calm, setCalm] = useState(reduced.matches);
  useEffect(() => {
    const changed = () => setCalm(reduced.matches);
    reduced.addEventListener("change", changed);
    return () => reduced.removeEventListener("change", changed);
  }, []);

  const send = useRef<Send>(() => {});
  const reload = useRef(0);
  useEffect(() => () => clearTimeout(reload.current), []);
  const feed = useFeed(paused, (e) => {
    for (const [from, to] of travels(e, byID)) send.current(from, to, e.kind);
    if (e.kind === "peer_up" || e.kind === "peer_down") {
      clearTimeout(reload.current);
      reload.current = setTimeout(network.again, 300);
    }
  });
  const tree = params.get("tree") ?? "";
  const key = params.get("key") ?? "";
  const holding = useHolding(peers, tree, key);

  return (
    <div class="network">
      <section class="panel stage" aria-labelledby="network-title">
        <div class="head">
          <h1 id="network-title">Network</h1>
          <p class="legend">
            <span class="swatch up">running</span> <span class="swatch down">stopped</span>{" "}
            <span class="swatch holds">holds the chosen record</span>
          </p>
        </div>
        {network.error && (
          <p class="error" role="alert">
            {network.error}
          </p>
        )}
        {peers.length > 0 ? (
          <Ring
            peers={peers}
            chosen={chosen}
            choose={choose}
            holders={holding.holders}
            record={holding.position}
            still={paused || calm}
            send={send}
          />
        ) : (
          <p class="empty">{network.loading ? "Loading the peers…" : "No peer is known yet."}</p>
        )}
        <p class="hint">
          Peers stand where their id is in the key space, and keep the records near them. A dot is a record on its way
          {calm ? "; none are drawn, because your system asks for less motion." : "."}
        </p>
      </section>
      <div class="side">
        <PeerPanel peers={peers} chosen={chosen ? byID.get(chosen) : undefined} choose={choose} />
        <RecordPanel peers={byID} tree={tree} treeKey={key} holding={holding} />
        <EventList feed={feed} peers={byID} paused={paused} pause={pause} />
      </div>
    </div>
  );
}

/** From which peers to which an event shows a record travelling. */
function travels(e: NodeEvent, peers: Map<string, NetworkPeer>): [string, string][] {
  switch (e.kind) {
    case "placed":
      return e.from ? [[e.from, e.peer]] : [];
    case "asked": // the answer goes back
      return e.from ? [[e.peer, e.from]] : [];
    case "published":
      // Peers that this page can look into say themselves that a record came.
      return (e.to ?? []).filter((id) => !peers.get(id)?.self).map((id) => [e.peer, id]);
    default:
      return [];
  }
}
