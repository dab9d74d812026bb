import { getPlain } from "../api";
import { useLoad } from "../load";
import type { NetworkPeer, Peer, Topic } from "../types";
import { TopicPanel } from "./topic";

/** How often the topics are asked for again: while a sync is running, and otherwise. */
const often = 1000;
const seldom = 5000;

const isRunning = (topics?: Topic[]) => topics?.some((t) => t.synced?.some((s) => !s.done)) ?? false;

/** The topics of a peer: how many rows they have, and how they were synced with other peers. */
export function TopicsView({ base, peers }: { base: string; peers: NetworkPeer[] }) {
  const topics = useLoad(
    `${base} topics`,
    (signal) => getPlain<Topic[]>(`${base}/v1/topics`, signal),
    (last) => (isRunning(last) ? often : seldom),
  );
  const connected = useLoad(`${base} peers`, (signal) => getPlain<Peer[]>(`${base}/v1/peers`, signal), seldom);
  const others = (connected.value ?? []).filter((p) => p.connected);
  return (
    <div class="topics">
      <h1>Topics</h1>
      {topics.error && (
        <p class="error" role="alert">
          {topics.error}
        </p>
      )}
      {!topics.value && !topics.error && <p class="empty">Loading…</p>}
      {topics.value?.length === 0 && (
        <p class="empty">
          No model has a topic. A topic is a named part of a tree that peers can bring together; a schema file says it
          under <code>topics</code>.
        </p>
      )}
      {topics.value?.map((t) => (
        <TopicPanel key={t.name} base={base} topic={t} others={others} peers={peers} changed={topics.again} />
      ))}
    </div>
  );
}
