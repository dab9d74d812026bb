import { Fragment } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { get, treePath } from "../api";
import { isMap, printExact } from "../exact";
import { dateAndTime, plural, size } from "../format";
import { useLoad } from "../load";
import { address } from "../route";
import type { Detail, Report, Status, Tree } from "../types";
import { dump } from "./dump";
import { Editor } from "./edit";
import { Holders } from "./holders";
import { Value } from "./value";

/** Bytes beyond these are not written out: nobody reads them. */
const mostBytes = 16 << 10;

/** Everything about one row. */
export function RowView({ base, tree, rowKey }: { base: string; tree: Tree; rowKey: string }) {
  const path = `${treePath(base, tree.name)}/row?key=${encodeURIComponent(rowKey)}`;
  const row = useLoad(path, (signal) => get<Detail>(path, signal));
  const status = useLoad(`${base} status`, (signal) => get<Status>(`${base}/v1/status`, signal));
  const [editing, setEditing] = useState(false);
  const [saved, setSaved] = useState<Report>();
  // After the change, the focus goes back to the button that began it.
  const change = useRef<HTMLButtonElement>(null);
  const edited = useRef(false);
  useEffect(() => {
    if (edited.current && !editing) change.current?.focus();
    edited.current = editing;
  }, [editing]);
  const detail = row.value;
  const follow = (index: string, key: string) => address("data", { at: base, tree: tree.name, index, key });
  const forbidden = detail && whyNot(tree, detail, status.value);
  return (
    <>
      <section class="panel" aria-labelledby="row">
        <p>
          <a href={address("data", { at: base, tree: tree.name })}>All rows of {tree.name}</a>
        </p>
        <div class="head">
          <h1 id="row" class="breaks">
            {rowKey || "The empty key"}
          </h1>
          {detail && !forbidden && !editing && (
            <button ref={change} type="button" onClick={() => setEditing(true)}>
              Change the row
            </button>
          )}
        </div>
        {row.error && (
          <p class="error" role="alert">
            {row.error}
          </p>
        )}
        {saved && (
          <p class="done" role="status">
            {tell(saved)}{" "}
            {saved.key !== rowKey && (
              <a href={address("data", { at: base, tree: tree.name, row: saved.key })}>It has the key {saved.key}.</a>
            )}
          </p>
        )}
        {!detail && row.loading && <p class="empty">Loading the row…</p>}
        {detail && editing && (
          <Editor
            base={base}
            tree={tree}
            detail={detail}
            cancel={() => setEditing(false)}
            saved={(report) => {
              setEditing(false);
              setSaved(report);
              row.again();
            }}
          />
        )}
        {detail && !editing && (
          <>
            {detail.error && <p class="error">{detail.error}</p>}
            {forbidden && tree.hosted && <p class="hint">{forbidden}</p>}
            <h2>Fields</h2>
            {isMap(detail.value) ? (
              <dl class="facts fields">
                {Object.entries(detail.value).map(([name, value]) => (
                  <Fragment key={name}>
                    <dt>{name}</dt>
                    <dd>
                      <Value tree={tree} field={name} value={value} follow={follow} whole />
                    </dd>
                  </Fragment>
                ))}
              </dl>
            ) : (
              detail.value !== undefined && <pre>{printExact(detail.value, 2)}</pre>
            )}
          </>
        )}
      </section>
      {detail && (
        <section class="panel" aria-labelledby="record">
          <h2 id="record">Record</h2>
          <Facts tree={tree} detail={detail} />
          {detail.record_key && <Holders base={base} tree={tree} rowKey={rowKey} />}
        </section>
      )}
      {detail && (
        <section class="panel" aria-labelledby="bytes">
          <h2 id="bytes">Bytes</h2>
          <p class="meta">
            {size(detail.bytes.length / 2)} as stored
            {detail.bytes.length / 2 > mostBytes && `, the first ${size(mostBytes)} of which are here`}
          </p>
          <pre class="scroll" tabIndex={0} aria-labelledby="bytes">
            {dump(detail.bytes.slice(0, 2 * mostBytes))}
          </pre>
        </section>
      )}
    </>
  );
}

function Facts({ tree, detail: d }: { tree: Tree; detail: Detail }) {
  return (
    <dl class="facts">
      <dt>State</dt>
      <dd>
        {states[d.state ?? ""] ?? d.state ?? (tree.policy === "local" ? "local: it does not travel" : "not known")}
      </dd>
      {d.since && (
        <>
          <dt>Since</dt>
          <dd>
            <time dateTime={d.since}>{dateAndTime(d.since)}</time>
          </dd>
        </>
      )}
      {d.record_key && (
        <>
          <dt>Served to others</dt>
          <dd>{d.served ? "yes" : "no"}</dd>
        </>
      )}
      <dt>Expires</dt>
      <dd>{d.expires ? <time dateTime={d.expires}>{dateAndTime(d.expires)}</time> : "never"}</dd>
      {d.foreign && (
        <>
          <dt>Other fields</dt>
          <dd>The row has fields that the model here does not have. They are kept.</dd>
        </>
      )}
      {d.signature && (
        <>
          <dt>Owner</dt>
          <dd>
            <code class="breaks">{d.signature.owner}</code>
          </dd>
          <dt>Sequence</dt>
          <dd>{printExact(d.signature.sequence)}</dd>
          <dt>Signature ends</dt>
          <dd>{dateAndTime(d.signature.expires)}</dd>
        </>
      )}
      {d.record_key && (
        <>
          <dt>Key in the DHT</dt>
          <dd>
            <code class="breaks">{d.record_key}</code>
          </dd>
        </>
      )}
    </dl>
  );
}

const states: Record<string, string> = {
  local: "local: it is only on this peer",
  published: "published by this peer",
  changed: "changed here since it was published",
  expired: "expired",
  received: "received from another peer",
  kept: "kept here after its record expired",
};

/** Why the row cannot be changed here, or empty. */
function whyNot(tree: Tree, detail: Detail, status: Status | undefined): string {
  if (!tree.hosted) return "The tree is none of the models.";
  if (detail.error) return "A row that cannot be read cannot be changed here.";
  switch (tree.policy) {
    case "local":
    case "open":
      return "";
    case "signed":
      if (!detail.signature || detail.signature.owner === status?.peer) return "";
      return "Only its owner may change the row: it is signed by another peer.";
    default:
      return `Rows of this tree cannot be changed: it is ${tree.policy}.`;
  }
}

function tell(report: Report): string {
  if (!report.published) return "The row is stored on this peer.";
  const failed = report.failed?.length ?? 0;
  const took = `The row is stored, and ${plural(report.took?.length ?? 0, "peer")} took it.`;
  return failed > 0 ? `${took} ${plural(failed, "peer")} did not.` : took;
}
