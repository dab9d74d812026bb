import { useState } from "preact/hooks";
import { messageOf, streamWithToken } from "../api";
import { count, dateAndTime, plural, shortID, size, span } from "../format";
import { nameOf } from "../network/ring";
import type { NetworkPeer, Peer, SyncCounts, Synced, Topic } from "../types";

interface Props {
  base: string;
  topic: Topic;
  /** The peers that are connected. */
  others: Peer[];
  /** The peers of the network, for their names. */
  peers: NetworkPeer[];
  changed: () => void;
}

/** A topic, the last sync with each peer, and a form that begins one. */
export function TopicPanel({ base, topic, others, peers, changed }: Props) {
  const id = `topic-${topic.name}`;
  const synced = topic.synced ?? [];
  const answered = topic.answered ?? [];
  const name = (peer: string) => {
    const known = peers.find((p) => p.id === peer);
    return known ? nameOf(known) : shortID(peer);
  };
  return (
    <section class="panel" aria-labelledby={id}>
      <h2 id={id}>{topic.name}</h2>
      <p class="state">
        {plural(topic.rows, "row")}
        {topic.partial ? ", a part of the tree" : ", all of the tree"}
        {topic.kept ? "; this node keeps it in sync." : "; it is synced when you say so."}
      </p>
      {synced.length + answered.length > 0 ? (
        <div class="scroll" tabIndex={0} role="region" aria-label={`Syncs of ${topic.name}`}>
          <table>
            <thead>
              <tr>
                <th scope="col">Peer</th>
                <th scope="col">Synced</th>
                <th scope="col">Differed</th>
                <th scope="col">Pulled</th>
                <th scope="col">Pushed</th>
                <th scope="col">Refused</th>
                <th scope="col">Traffic</th>
              </tr>
            </thead>
            <tbody>
              {synced.map((s) => (
                <Line key={s.peer} synced={s} name={name(s.peer)} />
              ))}
              {answered.map((s) => (
                <Line key={`by ${s.peer}`} synced={s} name={`${name(s.peer)}, which began it`} />
              ))}
            </tbody>
          </table>
        </div>
      ) : (
        <p class="empty">Not synced with any peer since the node was started.</p>
      )}
      <SyncForm base={base} topic={topic} others={others} name={name} changed={changed} />
    </section>
  );
}

const all = (c: SyncCounts) => c.taken + c.refused + c.missing;
const refused = (s: Synced) => s.pulled.refused + s.pushed.refused;
const differed = (s: Synced) => all(s.pulled) + all(s.pushed);

function Line({ synced: s, name }: { synced: Synced; name: string }) {
  return (
    <>
      <tr>
        <th scope="row" title={s.peer}>
          {name}
        </th>
        <td>{s.done ? dateAndTime(s.started) : <span class="running">now, for {span(s.seconds)}</span>}</td>
        <td>{s.done ? count(differed(s)) : `${count(differed(s))} of ${count(s.to_pull + s.to_push)} so far`}</td>
        <td>{count(s.pulled.taken)}</td>
        <td>{count(s.pushed.taken)}</td>
        <td>{count(refused(s))}</td>
        <td>
          {s.done && `${size(s.bytes_read + s.bytes_written)} in `}
          {plural(s.round_trips, "round trip")}
        </td>
      </tr>
      {(s.error || (s.refused?.length ?? 0) > 0) && (
        <tr>
          <td colSpan={7}>
            {s.error && <p class="error">{s.error}</p>}
            {s.refused && (
              <details>
                <summary>
                  {s.refused.length < refused(s) && `${count(s.refused.length)} of `}
                  {plural(refused(s), "refused record")}
                </summary>
                <ul>
                  {s.refused.map((r) => (
                    <li key={`${r.pushed} ${r.key}`}>
                      <code>{r.key}</code> {r.pushed ? "there" : "here"}: {r.reason}
                    </li>
                  ))}
                </ul>
              </details>
            )}
          </td>
        </tr>
      )}
    </>
  );
}

interface FormProps {
  base: string;
  topic: Topic;
  others: Peer[];
  name: (peer: string) => string;
  changed: () => void;
}

function SyncForm({ base, topic, others, name, changed }: FormProps) {
  const [peer, setPeer] = useState("");
  const [direction, setDirection] = useState("both");
  const [now, setNow] = useState<Synced>();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  // The peer that was chosen may have left.
  const chosen = others.some((p) => p.id === peer) ? peer : "";
  const begin = async () => {
    setBusy(true);
    setError("");
    setNow(undefined);
    try {
      const path = `${base}/v1/topics/${encodeURIComponent(topic.tree)}/${encodeURIComponent(topic.topic)}/sync`;
      const body = JSON.stringify({ peer: chosen || undefined, direction });
      let first = true;
      await streamWithToken<Synced>(path, body, (s) => {
        setNow(s);
        if (first) changed();
        first = false;
      });
    } catch (err) {
      setError(messageOf(err));
    }
    setBusy(false);
    changed();
  };
  return (
    <form
      class="sync"
      onSubmit={(e) => {
        e.preventDefault();
        begin();
      }}
    >
      <label>
        Peer
        <select name="with" value={chosen} onChange={(e) => setPeer(e.currentTarget.value)}>
          <option value="">all that are connected</option>
          {others.map((p) => (
            <option key={p.id} value={p.id}>
              {name(p.id)}
            </option>
          ))}
        </select>
      </label>
      <label>
        Direction
        <select name="direction" value={direction} onChange={(e) => setDirection(e.currentTarget.value)}>
          <option value="both">both</option>
          <option value="pull">pull: records come here</option>
          <option value="push">push: records go there</option>
        </select>
      </label>
      <button type="submit" disabled={busy}>
        Sync
      </button>
      <p class="state" role="status">
        {now && describe(now, name(now.peer))}
      </p>
      {error && (
        <p class="error" role="alert">
          {error}
        </p>
      )}
    </form>
  );
}

const done = (c: SyncCounts, due: number) => `${count(all(c))} of ${count(due)}`;

function describe(s: Synced, name: string): string {
  if (!s.done) return `With ${name}: ${done(s.pulled, s.to_pull)} pulled, ${done(s.pushed, s.to_push)} pushed so far.`;
  const so = `${plural(differed(s), "record")} differed, ${count(s.pulled.taken)} pulled, ${count(s.pushed.taken)} pushed`;
  return s.error ? `With ${name}: not to the end; ${so}.` : `With ${name}: ${so} in ${span(s.seconds)}.`;
}
