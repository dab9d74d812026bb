import { get } from "../api";
import { useLoad } from "../load";
import { address } from "../route";
import type { Tree } from "../types";
import { RowView } from "./row";
import { Rows } from "./rows";
import { TreeList } from "./trees";

/** The trees of a peer, and the rows of one of them. */
export function DataView({ base, params }: { base: string; params: URLSearchParams }) {
  const trees = useLoad(`${base} trees`, (signal) => get<Tree[] | null>(`${base}/v1/trees`, signal));
  const all = trees.value ?? [];
  const name = params.get("tree") ?? "";
  const tree = all.find((t) => t.name === name);
  const row = params.get("row");
  return (
    <div class="data">
      <nav class="panel trees" aria-label="Trees">
        <h2>Trees</h2>
        {trees.error && (
          <p class="error" role="alert">
            {trees.error}
          </p>
        )}
        {all.length > 0 ? (
          <TreeList trees={all} current={name} base={base} />
        ) : (
          <p class="empty">{trees.loading ? "Loading the trees…" : trees.error ? "" : "The store has no trees."}</p>
        )}
      </nav>
      <div class="rest">
        {tree && row !== null && <RowView key={`${base} ${name} ${row}`} base={base} tree={tree} rowKey={row} />}
        {tree && row === null && <Rows key={`${base} ${name}`} base={base} tree={tree} params={params} />}
        {!tree && name !== "" && trees.value && (
          <section class="panel">
            <h1>{name}</h1>
            <p class="error" role="alert">
              This peer has no tree of this name. <a href={address("data", { at: base })}>All its trees</a>
            </p>
          </section>
        )}
        {!tree && name === "" && (
          <section class="panel">
            <h1>Data</h1>
            <p class="empty">Choose a tree to see its rows.</p>
          </section>
        )}
      </div>
    </div>
  );
}
