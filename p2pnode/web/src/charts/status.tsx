import type { ComponentChildren } from "preact";
import { count, dateAndTime, size } from "../format";
import type { Status } from "../types";

/** The numbers of a peer at this moment. */
export function StatusPanel({ status: s }: { status: Status }) {
  return (
    <>
      <dl class="cards">
        <Card name="Connected peers" value={count(s.connected)} more={`${count(s.known)} in the routing table`} />
        <Card name="Records" value={count(s.records.rows)} more={size(s.records.bytes)} />
        <Card name="Provider records" value={count(s.providers.rows)} more={size(s.providers.bytes)} />
        <Card name="Disk" value={size(s.disk_bytes)} more={`engine ${s.engine}${s.encrypted ? ", encrypted" : ""}`} />
        <Card name="Memory" value={size(s.memory_bytes)} more="heap of the process" />
      </dl>
      <dl class="facts">
        <dt>Peer</dt>
        <dd>
          <code class="breaks">{s.peer}</code>
        </dd>
        <dt>Runs since</dt>
        <dd>
          <time dateTime={s.started}>{dateAndTime(s.started)}</time>, version {s.version}
        </dd>
        <dt>Mode</dt>
        <dd>
          {s.mode}, protocol {s.protocol}
        </dd>
        {s.dir && (
          <>
            <dt>Directory</dt>
            <dd class="breaks">{s.dir}</dd>
          </>
        )}
        <dt>Addresses</dt>
        <dd>
          <details>
            <summary>{count(s.addresses?.length ?? 0)}</summary>
            <ul class="plain">
              {s.addresses?.map((a) => (
                <li key={a}>
                  <code class="breaks">{a}</code>
                </li>
              ))}
            </ul>
          </details>
        </dd>
      </dl>
    </>
  );
}

function Card({ name, value, more }: { name: string; value: ComponentChildren; more: string }) {
  return (
    <div class="card">
      <dt>{name}</dt>
      <dd>
        <strong>{value}</strong>
        <span>{more}</span>
      </dd>
    </div>
  );
}
