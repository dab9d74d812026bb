import { useRef } from "preact/hooks";
import { get } from "../api";
import { isMap } from "../exact";
import { plural, shorten } from "../format";
import { useLoad } from "../load";
import { address } from "../route";
import type { Page, Row, Tree } from "../types";
import { QueryForm } from "./form";
import { TreeHead } from "./head";
import { queryParams, queryPath, readQuery, type Query } from "./query";
import { text, Value } from "./value";

/** The rows of a tree, a page at a time. */
export function Rows({ base, tree, params }: { base: string; tree: Tree; params: URLSearchParams }) {
  const query = readQuery(params);
  const token = params.get("page") ?? "";
  const link = (q: Query, page = "") => address("data", { at: base, tree: tree.name, ...queryParams(q), page });
  const path = queryPath(base, tree, query, token);
  const page = useLoad(path, (signal) => get<Page>(path, signal));

  // The tokens of the pages before this one. They are of one query, and after a reload none are known.
  const shown = link(query);
  const before = useRef<{ query: string; tokens: string[] }>({ query: shown, tokens: [] });
  if (before.current.query !== shown) before.current = { query: shown, tokens: [] };
  const tokens = before.current.tokens;
  const place = token === "" ? 0 : tokens.indexOf(token);
  const next = page.value?.next;
  const forward = () => {
    if (!next || page.loading) return;
    before.current.tokens = [...(token === "" ? [""] : tokens.slice(0, place + 1)), next];
    location.hash = link(query, next);
  };
  const back = () => {
    if (token === "" || page.loading) return;
    location.hash = link(query, place > 0 ? tokens[place - 1] : "");
  };

  const rows = page.value?.rows ?? [];
  const follow = (index: string, key: string) =>
    address("data", { at: base, tree: tree.name, index, key, match: key === "" ? "key" : "" });
  return (
    <>
      <TreeHead base={base} tree={tree} />
      <QueryForm key={shown} tree={tree} query={query} go={(q) => (location.hash = link(q))} />
      <section class="panel" aria-label="Rows">
        {page.error && (
          <p class="error" role="alert">
            {page.error}
          </p>
        )}
        <div class="head pager">
          <p role="status">
            {page.loading
              ? "Loading…"
              : page.error
                ? ""
                : rows.length === 0
                  ? next
                    ? "No row on this page is what you look for. There may be some on the next."
                    : "There are no such rows."
                  : `${plural(rows.length, "row")}${place >= 0 ? ` on page ${place + 1}` : ""}${next ? "" : ", the last"}`}
          </p>
          {/* A button that becomes disabled would lose the focus, so these only say that they do nothing. */}
          <div class="actions">
            <button type="button" onClick={back} aria-disabled={token === "" || page.loading}>
              {token !== "" && place < 0 ? "First page" : "Previous page"}
            </button>
            <button type="button" onClick={forward} aria-disabled={!next || page.loading}>
              Next page
            </button>
          </div>
        </div>
        {rows.length > 0 && (
          <div class="scroll" tabIndex={0} role="region" aria-label="Table of rows">
            <Table
              tree={tree}
              rows={rows}
              follow={follow}
              open={(key) => address("data", { at: base, tree: tree.name, row: key })}
            />
          </div>
        )}
      </section>
    </>
  );
}

interface TableProps {
  tree: Tree;
  rows: Row[];
  follow: (index: string, key: string) => string;
  open: (key: string) => string;
}

function Table({ tree, rows, follow, open }: TableProps) {
  const maps = rows.every((r) => r.value === undefined || isMap(r.value));
  const fields = maps ? (tree.fields ?? []).map((f) => f.name) : [];
  const byIndex = rows.some((r) => r.index !== undefined);
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">Key</th>
          {byIndex && <th scope="col">Key in the index</th>}
          {fields.map((f) => (
            <th scope="col" key={f}>
              {f}
            </th>
          ))}
          {fields.length === 0 && <th scope="col">Value</th>}
        </tr>
      </thead>
      <tbody>
        {rows.map((r, i) => (
          <tr key={`${i} ${r.key}`}>
            <th scope="row">
              <a href={open(r.key)} title={r.key}>
                {shorten(r.key, 60) || "empty"}
              </a>
            </th>
            {byIndex && <td>{shorten(r.index ?? "", 60)}</td>}
            {r.error ? (
              <td colSpan={Math.max(fields.length, 1)} class="error">
                {r.error}
              </td>
            ) : fields.length === 0 ? (
              <td>{shorten(text(r.value), 200)}</td>
            ) : (
              fields.map((f) => (
                <td key={f}>
                  <Value tree={tree} field={f} value={isMap(r.value) ? r.value[f] : undefined} follow={follow} />
                </td>
              ))
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
