import { count, plural } from "../format";
import { address } from "../route";
import type { NetworkPeer } from "../types";
import { nameOf } from "./ring";

interface Props {
  peers: NetworkPeer[];
  chosen?: NetworkPeer;
  choose: (id: string) => void;
}

/** The chosen peer, and a list to choose from without the ring. */
export function PeerPanel({ peers, chosen, choose }: Props) {
  const up = peers.filter((p) => p.up).length;
  return (
    <section class="panel" aria-labelledby="peer">
      <h2 id="peer">{chosen ? nameOf(chosen) : "Peers"}</h2>
      <label>
        Peer
        <select value={chosen?.id ?? ""} onChange={(e) => choose(e.currentTarget.value)}>
          <option value="">
            {count(up)} running, {count(peers.length - up)} stopped
          </option>
          {peers.map((p) => (
            <option key={p.id} value={p.id}>
              {nameOf(p)}
              {p.up ? "" : " (stopped)"}
            </option>
          ))}
        </select>
      </label>
      {chosen ? (
        <>
          <dl class="facts">
            <dt>Id</dt>
            <dd>
              <code class="breaks">{chosen.id}</code>
            </dd>
            <dt>State</dt>
            <dd>{chosen.up ? "running" : "stopped"}</dd>
            <dt>Records</dt>
            <dd>{chosen.held < 0 ? "not known" : count(chosen.held)}</dd>
            <dt>Knows</dt>
            <dd>{plural(chosen.links?.length ?? 0, "peer")}</dd>
          </dl>
          {chosen.self && chosen.up && (
            <p class="actions">
              <a class="button" href={address("data", { at: chosen.base })}>
                Its data
              </a>
              <a class="button" href={address("work", { at: chosen.base })}>
                Its work
              </a>
            </p>
          )}
          {!chosen.self && <p class="hint">This node can draw the peer, but not look into it.</p>}
        </>
      ) : (
        <p class="hint">Choose a peer here or on the ring to see more of it.</p>
      )}
    </section>
  );
}
