import { useEffect, useState } from "preact/hooks";
import { messageOf } from "../api";
import { plural, shortID } from "../format";
import { useLoad } from "../load";
import { address } from "../route";
import type { Holder, NetworkPeer } from "../types";
import { askOthers, askOwn, type Holding } from "./holders";
import { nameOf } from "./ring";

/** How often the holders of the chosen record are asked again. */
const every = 3000;

const none: Holding = { holders: new Set(), failed: [] };

export interface Held extends Holding {
  loading: boolean;
  error?: string;
  /** The answers of other peers, if they were asked. */
  others?: Holder[];
  ask: () => void;
}

export function useHolding(peers: NetworkPeer[], tree: string, key: string): Held {
  const chosen = tree !== "";
  const which = peers.map((p) => `${p.id} ${p.up}`).join();
  const own = useLoad(
    `${tree} ${key} ${which}`,
    (signal) => (chosen ? askOwn(peers, tree, key, signal) : Promise.resolve(none)),
    chosen ? every : 0,
  );
  const [others, setOthers] = useState<Holder[]>();
  const [error, setError] = useState<string>();
  useEffect(() => {
    setOthers(undefined);
    setError(undefined);
  }, [tree, key]);
  const ask = async () => {
    const base = peers.find((p) => p.self && p.up)?.base;
    if (base === undefined) return;
    try {
      setError(undefined);
      setOthers((await askOthers(base, tree, key)) ?? []);
    } catch (err) {
      setError(messageOf(err));
    }
  };
  const holding = own.value ?? none;
  const holders = new Set(holding.holders);
  for (const other of others ?? []) if (other.has) holders.add(other.peer);
  return { ...holding, holders, loading: own.loading && !own.value, error: error ?? own.error, others, ask };
}

interface Props {
  peers: Map<string, NetworkPeer>;
  tree: string;
  treeKey: string;
  holding: Held;
}

/** The chosen record and the peers that hold it. */
export function RecordPanel({ peers, tree, treeKey, holding }: Props) {
  const alone = [...peers.values()].filter((p) => p.self).length < peers.size;
  if (tree === "") {
    return (
      <section class="panel" aria-labelledby="record">
        <h2 id="record">Record</h2>
        <p class="hint">Choose a record in the list of events, or a row in the data, to see which peers hold it.</p>
      </section>
    );
  }
  const name = (id: string) => {
    const peer = peers.get(id);
    return peer ? nameOf(peer) : shortID(id);
  };
  const names = [...holding.holders].map(name).sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  return (
    <section class="panel" aria-labelledby="record">
      <div class="head">
        <h2 id="record">Record</h2>
        <a class="button" href={address("network")}>
          Let go
        </a>
      </div>
      <dl class="facts">
        <dt>Tree</dt>
        <dd>{tree}</dd>
        <dt>Key</dt>
        <dd class="breaks">{treeKey}</dd>
        <dt>Held by</dt>
        <dd>
          <span role="status">
            {holding.loading
              ? "Asking…"
              : names.length === 0
                ? "no peer that was asked"
                : `${plural(names.length, "peer")}: ${names.join(", ")}`}
          </span>
        </dd>
      </dl>
      {holding.failed.length > 0 && (
        <p class="error">Not asked, because they did not answer: {holding.failed.map(name).join(", ")}.</p>
      )}
      {holding.error && (
        <p class="error" role="alert">
          {holding.error}
        </p>
      )}
      {alone && (
        <button type="button" onClick={holding.ask}>
          Ask other peers
        </button>
      )}
      {holding.others && (
        <p class="hint">
          {plural(holding.others.length, "peer")} near the record {holding.others.length === 1 ? "was" : "were"} asked,{" "}
          {holding.others.filter((o) => o.has).length} had it.
        </p>
      )}
    </section>
  );
}
