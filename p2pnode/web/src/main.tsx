import { render } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { getPlain } from "./api";
import { DataView } from "./data/view";
import { useLoad } from "./load";
import { nameOf } from "./network/ring";
import { NetworkView } from "./network/view";
import { address, useRoute, views, type Params, type Route, type View } from "./route";
import { TokenDialog } from "./token";
import type { Network, NetworkPeer } from "./types";
import { TopicsView } from "./topics/view";
import { WorkView } from "./charts/view";
import "./style/base.css";
import "./style/network.css";
import "./style/data.css";
import "./style/charts.css";
import "./style/topics.css";

const names: Record<View, string> = { network: "Network", data: "Data", topics: "Topics", work: "Work" };

/** How often the peers are asked for again. */
const every = 4000;

function App() {
  const route = useRoute();
  const network = useLoad("network", (signal) => getPlain<Network>("/v1/network", signal), every);
  const own = (network.value?.peers ?? []).filter((p) => p.self);
  const at = route.params.get("at");
  const looked = own.find((p) => p.base === at) ?? (at === null ? own.find((p) => p.up) : undefined);
  const content = useRef<HTMLElement>(null);
  const shown = useRef(route);
  useEffect(() => {
    document.title = `${names[route.view]} – p2pnode`;
    if (shown.current === route) return;
    const sameView = shown.current.view === route.view;
    const sameRow = shown.current.params.get("row") === route.params.get("row");
    shown.current = route;
    if (!sameView || !sameRow) scrollTo(0, 0);
    // What had the focus may be gone. Then the next Tab begins with the content.
    const frame = requestAnimationFrame(() => {
      if (document.activeElement === document.body) content.current?.focus({ preventScroll: true });
    });
    return () => cancelAnimationFrame(frame);
  }, [route]);
  return (
    <>
      <a
        class="skip"
        href="#content"
        onClick={(e) => {
          e.preventDefault();
          content.current?.focus();
        }}
      >
        To the content
      </a>
      <header>
        <span class="brand">
          <img src="icon.svg" alt="" width="24" height="24" /> p2pnode
        </span>
        <nav aria-label="Views">
          {views.map((v) => (
            <a
              key={v}
              href={address(v, v !== "network" && at !== null ? { at } : {})}
              aria-current={v === route.view ? "page" : undefined}
            >
              {names[v]}
            </a>
          ))}
        </nav>
      </header>
      <main id="content" ref={content} tabIndex={-1}>
        {route.view === "network" ? (
          <NetworkView network={network} params={route.params} />
        ) : (
          <>
            {own.length > 1 && <PeerChoice peers={own} looked={looked} route={route} />}
            <OnePeer network={network.value} error={network.error} looked={looked} at={at} route={route} />
          </>
        )}
      </main>
      <TokenDialog />
    </>
  );
}

/** A list of the peers that can be looked into. */
function PeerChoice({ peers, looked, route }: { peers: NetworkPeer[]; looked?: NetworkPeer; route: Route }) {
  return (
    <label class="choice">
      Peer
      <select
        name="peer"
        value={looked?.base ?? ""}
        onChange={(e) => {
          const params: Params = { at: e.currentTarget.value };
          if (route.view === "data") params.tree = route.params.get("tree") ?? "";
          location.hash = address(route.view, params);
        }}
      >
        {!looked && <option value="">choose a peer</option>}
        {peers.map((p) => (
          <option key={p.id} value={p.base} disabled={!p.up}>
            {nameOf(p)}
            {p.up ? "" : " (stopped)"}
          </option>
        ))}
      </select>
    </label>
  );
}

interface OnePeerProps {
  network?: Network;
  error?: string;
  looked?: NetworkPeer;
  at: string | null;
  route: Route;
}

/** The data, the topics or the work of one peer. */
function OnePeer({ network, error, looked, at, route }: OnePeerProps) {
  if (!network) {
    return error ? (
      <p class="error" role="alert">
        {error}
      </p>
    ) : (
      <p class="empty">Loading…</p>
    );
  }
  if (!looked) {
    return <p class="empty">{at === null ? "No peer is running yet." : "There is no such peer."}</p>;
  }
  if (!looked.up) return <p class="empty">{nameOf(looked)} has stopped. Its data can be seen when it is back.</p>;
  if (route.view === "work") return <WorkView key={looked.base} base={looked.base} />;
  if (route.view === "topics") return <TopicsView key={looked.base} base={looked.base} peers={network.peers ?? []} />;
  return <DataView key={looked.base} base={looked.base} params={route.params} />;
}

const app = document.getElementById("app")!;
app.replaceChildren();
render(<App />, app);
