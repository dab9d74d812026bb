// The JSON of the control interface, as p2pnode/internal/api declares it.
import type { Exact } from "./exact";

export interface Failure {
  code: string;
  message: string;
  suggestion?: string;
  known?: string[];
}

export interface Usage {
  rows: number;
  bytes: number;
}

export interface Status {
  peer: string;
  addresses: string[];
  version: string;
  started: string;
  dir?: string;
  engine: string;
  mode: string;
  protocol: string;
  store: string;
  encrypted: boolean;
  trees: number;
  connected: number;
  known: number;
  records: Usage;
  providers: Usage;
  disk_bytes: number;
  memory_bytes: number;
}

export interface Tree {
  name: string;
  key: string;
  codec: string;
  policy: string;
  hosted: boolean;
  schema: number;
  hash: string;
  key_fields?: string[];
  clock?: string;
  fields: { name: string; type: string }[] | null;
  indexes: Index[] | null;
}

export interface Index {
  name: string;
  kind: string;
  key: string;
  fields?: string[];
  partial?: boolean;
  blind?: boolean;
  ready: boolean;
}

export interface Size extends Usage {
  indexes: { name: string; entries: number; bytes: number }[] | null;
}

export interface Row {
  key: string;
  index?: string;
  value?: Exact;
  expires?: string;
  error?: string;
}

export interface Page {
  rows: Row[] | null;
  next?: string;
}

export interface Detail extends Row {
  bytes: string;
  record_key?: string;
  state?: string;
  since?: string;
  served: boolean;
  foreign?: boolean;
  signature?: { owner: string; sequence: Exact; expires: string };
}

export interface Holder {
  peer: string;
  has: boolean;
  same: boolean;
  error?: string;
}

export interface Report {
  key: string;
  record_key?: string;
  published: boolean;
  took: string[] | null;
  failed?: { peer: string; error: string }[];
}

export type EventKind =
  | "published"
  | "resolved"
  | "stored"
  | "retracted"
  | "deleted"
  | "asked"
  | "placed"
  | "refused"
  | "peer_up"
  | "peer_down";

export interface NodeEvent {
  time: string;
  kind: EventKind;
  peer: string;
  from?: string;
  to?: string[];
  tree?: string;
  key?: string;
  origin?: string;
  reason?: string;
}

export interface Topic {
  name: string;
  tree: string;
  topic: string;
  rows: number;
  partial?: boolean;
  kept: boolean;
  synced: Synced[] | null;
  answered: Synced[] | null;
}

export interface Synced {
  peer: string;
  direction: string;
  started: string;
  seconds: number;
  done?: boolean;
  pulled: SyncCounts;
  pushed: SyncCounts;
  to_pull: number;
  to_push: number;
  round_trips: number;
  bytes_read: number;
  bytes_written: number;
  refused?: { key: string; reason: string; pushed?: boolean }[];
  error?: string;
}

export interface SyncCounts {
  taken: number;
  refused: number;
  missing: number;
}

export interface Peer {
  id: string;
  connected: boolean;
}

export interface Network {
  peers: NetworkPeer[] | null;
}

export interface NetworkPeer {
  id: string;
  name?: string;
  position: number;
  self: boolean;
  base: string;
  up: boolean;
  links: string[] | null;
  held: number;
}

export interface Series {
  times: number[] | null;
  lines: Line[] | null;
}

export interface Line {
  chart: string;
  name: string;
  unit: string;
  values: (number | null)[];
}
