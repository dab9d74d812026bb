import { useState } from "preact/hooks";
import { messageOf } from "../api";
import { shortID } from "../format";
import { askOthers } from "../network/holders";
import { address } from "../route";
import type { Holder, Tree } from "../types";

/** The peers near a record, and which of them have it. */
export function Holders({ base, tree, rowKey }: { base: string; tree: Tree; rowKey: string }) {
  const [holders, setHolders] = useState<Holder[]>();
  const [state, setState] = useState("");
  const [failed, setFailed] = useState(false);
  const ask = async () => {
    setState("Asking the peers near the record…");
    setFailed(false);
    try {
      const found = (await askOthers(base, tree.name, rowKey)) ?? [];
      setHolders(found);
      setState(`${found.filter((h) => h.has).length} of ${found.length} peers near the record have it.`);
    } catch (err) {
      setState(messageOf(err));
      setFailed(true);
    }
  };
  return (
    <>
      <p class="actions">
        <button type="button" onClick={ask}>
          Ask which peers hold it
        </button>
        <a class="button" href={address("network", { tree: tree.name, key: rowKey })}>
          Show it on the ring
        </a>
      </p>
      <p class={failed ? "error" : "meta"} role="status">
        {state}
      </p>
      {holders && holders.length > 0 && (
        <ul class="holders">
          {holders.map((h) => (
            <li key={h.peer}>
              <code title={h.peer}>{shortID(h.peer)}</code>{" "}
              {h.has ? (h.same ? "has this record" : "has another one") : "has none"}
              {h.error && `: ${h.error}`}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
