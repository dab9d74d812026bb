// Values as text, and as links into the indexes that they are keys of.
import type { ComponentChildren } from "preact";
import { bytesOf, isMap, isNumber, linkOf, printExact, type Exact } from "../exact";
import { shorten } from "../format";
import type { Index, Tree } from "../types";

/** The longest text in a cell. The row itself shows all. */
const cell = 80;

/** A value in one line. */
export function text(value: Exact | undefined): string {
  if (value === undefined) return "";
  if (typeof value === "string") return value;
  const bytes = bytesOf(value);
  if (bytes !== undefined) return hex(bytes);
  const link = linkOf(value);
  if (link !== undefined) return link;
  return printExact(value);
}

/** The hex of base64 without padding. */
export function hex(base64: string): string {
  try {
    return [...atob(base64)].map((c) => c.charCodeAt(0).toString(16).padStart(2, "0")).join("");
  } catch {
    return base64;
  }
}

/** The index whose key is the field alone, if people can write its key. */
export function indexOf(tree: Tree, field: string): Index | undefined {
  if (!tree.hosted) return undefined;
  return tree.indexes?.find((i) => i.ready && i.fields?.length === 1 && i.fields[0] === field);
}

type Follow = (index: string, key: string) => string;

/** A field of a row. Where an index goes by it, its value is a link to the rows that share it. */
export function Value(props: { tree: Tree; field: string; value: Exact | undefined; follow: Follow; whole?: boolean }) {
  const { tree, field, value, follow, whole } = props;
  const index = indexOf(tree, field);
  const one = (v: Exact): ComponentChildren => {
    const t = text(v);
    const shown = whole ? t : shorten(t, cell);
    if (!index || !isKey(v)) return <span class={kind(v)}>{shown || "empty"}</span>;
    return (
      <a href={follow(index.name, t)} title={`Rows with ${field} ${t}`}>
        {shown || "empty"}
      </a>
    );
  };
  if (value === undefined) return <span class="none">–</span>;
  if (Array.isArray(value) && index?.kind === "multi" && value.length > 0) {
    return (
      <span class="list">
        {value.slice(0, whole ? value.length : 5).map((v, i) => (
          <span key={i}>{one(v)} </span>
        ))}
        {!whole && value.length > 5 && <span class="none">and {value.length - 5} more</span>}
      </span>
    );
  }
  if (whole && (Array.isArray(value) || isMap(value)) && bytesOf(value) === undefined && linkOf(value) === undefined) {
    return <pre>{printExact(value, 2)}</pre>;
  }
  return <>{one(value)}</>;
}

const isKey = (v: Exact) => typeof v === "string" || typeof v === "boolean" || isNumber(v);

function kind(v: Exact): string {
  if (isNumber(v)) return "number";
  if (v === null || v === "") return "none";
  if (bytesOf(v) !== undefined) return "bytes";
  return "";
}
