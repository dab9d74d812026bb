// What a list of rows shows, as parameters of the address and of the request.
import { treePath } from "../api";
import type { Tree } from "../types";

export type Match = "all" | "key" | "prefix" | "range";

export interface Query {
  /** The index to go by, empty for the primary key. */
  index: string;
  match: Match;
  key: string;
  prefix: string;
  from: string;
  to: string;
  where: string[];
  order: string;
  reverse: boolean;
  limit: number;
}

export const limits = [20, 100, 500];
const usualLimit = 100;

export function readQuery(params: URLSearchParams): Query {
  const q: Query = {
    index: params.get("index") ?? "",
    match: "all",
    key: params.get("key") ?? "",
    prefix: params.get("prefix") ?? "",
    from: params.get("from") ?? "",
    to: params.get("to") ?? "",
    where: params.getAll("where"),
    order: params.get("order") ?? "",
    reverse: params.get("reverse") === "true",
    limit: Number(params.get("limit")) || usualLimit,
  };
  const match = params.get("match");
  if (match === "key" || q.key) q.match = "key";
  else if (q.prefix) q.match = "prefix";
  else if (q.from || q.to) q.match = "range";
  return q;
}

/** The parameters of an address that shows the query. */
export function queryParams(q: Query): Record<string, string | string[]> {
  return {
    index: q.index,
    match: q.match === "key" && q.key === "" ? "key" : "",
    key: q.match === "key" ? q.key : "",
    prefix: q.match === "prefix" ? q.prefix : "",
    from: q.match === "range" ? q.from : "",
    to: q.match === "range" ? q.to : "",
    where: q.where,
    order: q.order,
    reverse: q.reverse ? "true" : "",
    limit: q.limit === usualLimit ? "" : String(q.limit),
  };
}

/** The path of a page of the query. */
export function queryPath(base: string, tree: Tree, q: Query, page: string): string {
  const path = q.index ? `/indexes/${encodeURIComponent(q.index)}` : "/rows";
  const params = new URLSearchParams();
  const set = (name: string, value: string) => value !== "" && params.set(name, value);
  if (q.match === "key") params.set("key", q.key);
  if (q.match === "prefix") set("prefix", q.prefix);
  if (q.match === "range") {
    set("from", q.from);
    set("to", q.to);
  }
  for (const condition of q.where) params.append("where", condition);
  set("order", q.order);
  if (q.reverse) params.set("reverse", "true");
  params.set("limit", String(q.limit));
  set("page", page);
  return `${treePath(base, tree.name)}${path}?${params}`;
}
