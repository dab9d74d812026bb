import { useState } from "preact/hooks";
import type { Tree } from "../types";
import { limits, type Match, type Query } from "./query";

/** The form that says which rows to show. */
export function QueryForm({ tree, query, go }: { tree: Tree; query: Query; go: (q: Query) => void }) {
  const [q, setQ] = useState(query);
  const set = (change: Partial<Query>) => setQ({ ...q, ...change });
  const field = (name: "key" | "prefix" | "from" | "to", label: string) => (
    <label>
      {label}
      <input type="text" name={name} value={q[name]} onInput={(e) => set({ [name]: e.currentTarget.value })} />
    </label>
  );
  const indexes = tree.hosted ? (tree.indexes ?? []).filter((i) => i.ready) : [];
  const blind = indexes.find((i) => i.name === q.index)?.blind ?? false;
  const match = blind ? "key" : q.match;
  const where = q.where.length > 0 ? q.where : [""];
  return (
    <form
      class="panel query"
      aria-label="Which rows"
      onSubmit={(e) => {
        e.preventDefault();
        go({ ...q, match, where: q.where.filter((w) => w.trim() !== "") });
      }}
    >
      <label>
        By
        <select name="index" value={q.index} onChange={(e) => set({ index: e.currentTarget.value })}>
          <option value="">primary key</option>
          {indexes.map((i) => (
            <option key={i.name} value={i.name}>
              index {i.name}
            </option>
          ))}
        </select>
      </label>
      <label>
        Show
        <select
          name="match"
          value={match}
          disabled={blind}
          onChange={(e) => set({ match: e.currentTarget.value as Match })}
        >
          <option value="all">all</option>
          <option value="key">one key</option>
          <option value="prefix">keys that begin with</option>
          <option value="range">keys from … to</option>
        </select>
      </label>
      {match === "key" && field("key", "Key")}
      {match === "prefix" && field("prefix", "Beginning")}
      {match === "range" && field("from", "From")}
      {match === "range" && field("to", "To, without it")}
      {tree.hosted &&
        where.map((condition, i) => (
          <label key={i}>
            {i === 0 ? "Only where" : "and"}
            <input
              type="text"
              name="where"
              value={condition}
              placeholder={example(tree)}
              onInput={(e) => {
                const next = [...where];
                next[i] = e.currentTarget.value;
                set({ where: next });
              }}
            />
          </label>
        ))}
      {tree.hosted && where.at(-1) !== "" && (
        <button type="button" class="low" onClick={() => set({ where: [...where, ""] })}>
          Another condition
        </button>
      )}
      {tree.hosted && (
        <label>
          In order of
          <select name="order" value={q.order} onChange={(e) => set({ order: e.currentTarget.value })}>
            <option value="">the key</option>
            {tree.fields?.flatMap((f) => [
              <option key={f.name} value={f.name}>
                {f.name}
              </option>,
              <option key={"-" + f.name} value={"-" + f.name}>
                {f.name}, backwards
              </option>,
            ])}
          </select>
        </label>
      )}
      <label>
        Rows on a page
        <select name="limit" value={String(q.limit)} onChange={(e) => set({ limit: Number(e.currentTarget.value) })}>
          {[...new Set([...limits, q.limit])].map((n) => (
            <option key={n} value={String(n)}>
              {n}
            </option>
          ))}
        </select>
      </label>
      {q.order === "" && (
        <label class="check">
          <input
            type="checkbox"
            name="reverse"
            checked={q.reverse}
            onChange={(e) => set({ reverse: e.currentTarget.checked })}
          />
          Backwards
        </label>
      )}
      <button type="submit" class="primary">
        Show
      </button>
    </form>
  );
}

/** A condition with a field of the tree. */
function example(tree: Tree): string {
  const fields = tree.fields ?? [];
  const number = fields.find((f) => /int/.test(f.type));
  if (number) return `${number.name} >= 5`;
  return fields[0] ? `${fields[0].name} = …` : "";
}
