import { useState } from "preact/hooks";
import { getPlain, messageOf, treePath } from "../api";
import { count, plural, size } from "../format";
import type { Size, Tree } from "../types";

/** What a tree is, and how much it takes if somebody asks. */
export function TreeHead({ base, tree }: { base: string; tree: Tree }) {
  const [counted, setCounted] = useState<Size>();
  const [state, setState] = useState("");
  const measure = async () => {
    setState("Counting…");
    try {
      setCounted(await getPlain<Size>(`${treePath(base, tree.name)}/size`));
      setState("");
    } catch (err) {
      setState(messageOf(err));
    }
  };
  const indexes = tree.indexes ?? [];
  return (
    <section class="panel" aria-labelledby="tree">
      <div class="head">
        <h1 id="tree" class="breaks">
          {tree.name}
        </h1>
        <button type="button" onClick={measure}>
          Count the rows
        </button>
      </div>
      <p class="meta" role="status">
        {state || (counted && `${plural(counted.rows, "row")}, ${size(counted.bytes)}`)}
      </p>
      <dl class="facts across">
        <dt>Policy</dt>
        <dd>{policies[tree.policy] ?? tree.policy}</dd>
        <dt>Key</dt>
        <dd>
          {tree.key}
          {tree.key_fields && tree.key_fields.length > 0 && ` of ${tree.key_fields.join(", ")}`}
        </dd>
        <dt>Values</dt>
        <dd>
          {tree.codec}, version {count(tree.schema)}
        </dd>
        {tree.clock && (
          <>
            <dt>Clock</dt>
            <dd>{tree.clock}</dd>
          </>
        )}
      </dl>
      <details>
        <summary>
          {plural(tree.fields?.length ?? 0, "field")}, {plural(indexes.length, "index", "indexes")}
        </summary>
        <div class="scroll" tabIndex={0} role="region" aria-label="Fields and indexes">
          <table>
            <thead>
              <tr>
                <th scope="col">Field</th>
                <th scope="col">Type</th>
              </tr>
            </thead>
            <tbody>
              {tree.fields?.map((f) => (
                <tr key={f.name}>
                  <td>{f.name}</td>
                  <td>{f.type}</td>
                </tr>
              ))}
            </tbody>
          </table>
          {indexes.length > 0 && (
            <table>
              <thead>
                <tr>
                  <th scope="col">Index</th>
                  <th scope="col">Kind</th>
                  <th scope="col">Key</th>
                  <th scope="col">Entries</th>
                </tr>
              </thead>
              <tbody>
                {indexes.map((i) => {
                  const n = counted?.indexes?.find((s) => s.name === i.name);
                  const kind = [i.kind, i.partial && "partial", i.blind && "blind", !i.ready && "being built"];
                  return (
                    <tr key={i.name}>
                      <td>{i.name}</td>
                      <td>{kind.filter(Boolean).join(", ")}</td>
                      <td>
                        {i.key}
                        {i.fields && ` of ${i.fields.join(", ")}`}
                      </td>
                      <td>{n ? `${count(n.entries)}, ${size(n.bytes)}` : "not counted"}</td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          )}
        </div>
      </details>
    </section>
  );
}

const policies: Record<string, string> = {
  local: "local: rows stay on this peer",
  open: "open: rows travel, and every peer may change them",
  signed: "signed: rows travel, and their owner may change them",
  immutable: "immutable: rows travel and never change",
};
