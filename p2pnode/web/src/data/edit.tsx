import { useEffect, useRef, useState } from "preact/hooks";
import { messageOf, RequestError, treePath, withToken } from "../api";
import { isMap, parseExact, printExact, type Exact } from "../exact";
import { Dialog } from "../dialog";
import type { Detail, Report, Tree } from "../types";
import { compare, type Line } from "./diff";

interface Props {
  base: string;
  tree: Tree;
  detail: Detail;
  cancel: () => void;
  saved: (report: Report) => void;
}

/** Changes a row as JSON. Before anything is stored, a dialog shows the old row beside the new one. */
export function Editor({ base, tree, detail, cancel, saved }: Props) {
  const before = printExact(detail.value ?? null, 2);
  const [source, setSource] = useState(before);
  const [local, setLocal] = useState(false);
  const [error, setError] = useState("");
  const [next, setNext] = useState<Exact>();
  const [busy, setBusy] = useState(false);
  const travels = tree.policy !== "local";
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => area.current!.focus(), []);

  const review = () => {
    try {
      const value = parseExact(source);
      if (printExact(value, 2) === before) return setError("Nothing is changed.");
      setError("");
      setNext(value);
    } catch (err) {
      setError(`This is no JSON: ${messageOf(err)}.`);
    }
  };
  const store = async () => {
    setBusy(true);
    setNext(undefined);
    try {
      const body = `{"row":${printExact(next ?? null)},"local":${travels && local}}`;
      saved(await withToken<Report>(`${treePath(base, tree.name)}/put`, body));
    } catch (err) {
      setError(explain(err));
      setBusy(false);
    }
  };
  return (
    <form
      class="editor"
      onSubmit={(e) => {
        e.preventDefault();
        review();
      }}
    >
      <label>
        The row as JSON
        <textarea
          ref={area}
          name="row"
          rows={Math.min(24, Math.max(6, source.split("\n").length + 1))}
          spellcheck={false}
          value={source}
          onInput={(e) => setSource(e.currentTarget.value)}
        />
      </label>
      {travels && (
        <label class="check">
          <input type="checkbox" name="local" checked={local} onChange={(e) => setLocal(e.currentTarget.checked)} />
          Store it on this peer only, and do not publish it
        </label>
      )}
      {error && (
        <p class="error" role="alert">
          {error}
        </p>
      )}
      <div class="actions">
        <button type="button" onClick={cancel} disabled={busy}>
          Cancel
        </button>
        <button type="submit" class="primary" disabled={busy}>
          {busy ? "Storing…" : "Look at the change"}
        </button>
      </div>
      {next !== undefined && (
        <Confirm
          before={before}
          after={printExact(next, 2)}
          warning={otherKey(tree, detail.value, next)}
          publishes={travels && !local}
          close={() => setNext(undefined)}
          store={store}
        />
      )}
    </form>
  );
}

function explain(err: unknown): string {
  const text = messageOf(err);
  if (!(err instanceof RequestError) || err.failure.code !== "conflict") return text;
  return `${text}. Of two versions of a row, peers keep the one with the later clock or, without one, the larger bytes.`;
}

interface ConfirmProps {
  before: string;
  after: string;
  warning: string;
  publishes: boolean;
  close: () => void;
  store: () => void;
}

function Confirm({ before, after, warning, publishes, close, store }: ConfirmProps) {
  const [left, right] = compare(before, after);
  return (
    <Dialog title="Store this change?" wide close={close}>
      <div class="compare">
        <Version title="Old" sign="−" lines={left} />
        <Version title="New" sign="+" lines={right} />
      </div>
      {warning && <p class="error">{warning}</p>}
      <p>{publishes ? "The row is stored and published to other peers." : "The row is stored on this peer only."}</p>
      <div class="actions">
        <button type="button" onClick={close}>
          Back
        </button>
        <button type="button" class="primary" onClick={store}>
          Store
        </button>
      </div>
    </Dialog>
  );
}

function Version({ title, sign, lines }: { title: string; sign: string; lines: Line[] }) {
  return (
    <section>
      <h3>{title}</h3>
      <pre class="scroll" tabIndex={0} aria-label={`${title} row`}>
        {lines.map((l, i) => (
          <span key={i} class={l.differs ? `differs ${title.toLowerCase()}` : ""}>
            {l.differs ? sign : " "} {l.text}
          </span>
        ))}
      </pre>
    </section>
  );
}

/** Says that the new row has another primary key, as far as the tree says which fields it is of. */
function otherKey(tree: Tree, before: Exact | undefined, after: Exact): string {
  if (!isMap(before) || !isMap(after)) return "";
  const changed = (tree.key_fields ?? []).filter((f) => printExact(before[f] ?? null) !== printExact(after[f] ?? null));
  if (changed.length === 0) return "";
  return `The primary key is made of ${changed.join(", ")}: this stores a second row, and the old one stays.`;
}
