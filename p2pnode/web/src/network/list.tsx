import { count, shorten, shortID, timeOfDay } from "../format";
import { address } from "../route";
import type { NetworkPeer } from "../types";
import type { Feed, Numbered } from "./events";
import { nameOf } from "./ring";

interface Props {
  feed: Feed;
  peers: Map<string, NetworkPeer>;
  paused: boolean;
  pause: (paused: boolean) => void;
}

/** The last events as text. It is a log that is not read out by itself: too many come. */
export function EventList({ feed, peers, paused, pause }: Props) {
  return (
    <section class="panel events" aria-labelledby="events">
      <div class="head">
        <h2 id="events">Live events</h2>
        <button type="button" aria-pressed={paused} onClick={() => pause(!paused)}>
          {paused ? "Go on" : "Pause"}
        </button>
      </div>
      <p class="state" role="status">
        {describe(feed, paused)}
      </p>
      {feed.events.length > 0 ? (
        <div class="log" role="log" aria-live="off" aria-labelledby="events" tabIndex={0}>
          <ol>
            {feed.events.map((e) => (
              <Line key={e.number} event={e} peers={peers} />
            ))}
          </ol>
        </div>
      ) : (
        <p class="empty">Nothing has happened since the page was opened.</p>
      )}
    </section>
  );
}

function describe(feed: Feed, paused: boolean): string {
  if (paused) return `Paused. ${count(feed.missed)} new ${feed.missed === 1 ? "event" : "events"} meanwhile.`;
  if (feed.state === "connecting") return "Connecting…";
  if (feed.state === "broken") return `${feed.error ?? ""} Trying again.`;
  return feed.gaps > 0 ? "Live. More events came than this page could take: some are not in the list." : "Live.";
}

function Line({ event: e, peers }: { event: Numbered; peers: Map<string, NetworkPeer> }) {
  const name = (id: string | undefined) => {
    const peer = id && peers.get(id);
    return peer ? nameOf(peer) : shortID(id ?? "");
  };
  const base = peers.get(e.peer)?.base;
  return (
    <li>
      <time dateTime={e.time}>{timeOfDay(e.time)}</time>
      <span class={`kind ${e.kind}`}>{words[e.kind] ?? e.kind}</span>
      <span class="what">
        {sentence(e, name)}
        {e.tree && e.key !== undefined && (
          <>
            {" "}
            <a href={address("network", { tree: e.tree, key: e.key })} title={e.key}>
              {shorten(e.key, 48)}
            </a>
            {base !== undefined && e.kind !== "refused" && e.kind !== "retracted" && e.kind !== "deleted" && (
              <>
                {" "}
                <a
                  class="minor"
                  href={address("data", { at: base, tree: e.tree, row: e.key })}
                  aria-label={`The row ${e.key}`}
                >
                  row
                </a>
              </>
            )}
          </>
        )}
        {e.reason && ` (${e.reason})`}
      </span>
    </li>
  );
}

const words: Record<string, string> = { peer_up: "peer up", peer_down: "peer down" };

function sentence(e: Numbered, name: (id?: string) => string): string {
  switch (e.kind) {
    case "published":
      return `${name(e.peer)} published to ${e.to?.length ?? 0} ${e.to?.length === 1 ? "peer" : "peers"}:`;
    case "resolved":
      return `${name(e.peer)} found in the network:`;
    case "stored":
      return `${name(e.peer)} stored${e.origin ? ` (${e.origin})` : ""}:`;
    case "retracted":
      return `${name(e.peer)} has taken back:`;
    case "deleted":
      return `${name(e.peer)} has removed${e.origin ? ` (${e.origin})` : ""}:`;
    case "asked":
      return `${name(e.from)} asked ${name(e.peer)} for a record${e.key === undefined ? "" : ":"}`;
    case "placed":
      return `${name(e.from)} sent a record to ${name(e.peer)}${e.key === undefined ? "" : ":"}`;
    case "refused":
      return `${name(e.peer)} refused a record${e.key === undefined ? "" : ":"}`;
    case "peer_up":
      return e.from ? `${name(e.peer)} is connected to ${name(e.from)}` : `${name(e.peer)} is running`;
    case "peer_down":
      return e.from ? `${name(e.peer)} is no longer connected to ${name(e.from)}` : `${name(e.peer)} has stopped`;
  }
}
