// Rows may have integers of 20 digits and floats that differ from integers only in how they are
// written. So the numbers of rows stay the text that the node sent.
import { LosslessNumber, parse, stringify } from "lossless-json";

/** A JSON value whose numbers are exact. */
export type Exact = null | boolean | string | number | LosslessNumber | Exact[] | { [name: string]: Exact };

/** Short integers are numbers, all other numbers keep their text. */
const number = (text: string) => (/^(0|-?[1-9]\d{0,14})$/.test(text) ? Number(text) : new LosslessNumber(text));

export function parseExact(text: string): Exact {
  return parse(text, undefined, number) as Exact;
}

export function printExact(value: Exact, indent?: number): string {
  return stringify(value, undefined, indent) ?? "null";
}

export function isNumber(value: Exact): value is number | LosslessNumber {
  return typeof value === "number" || value instanceof LosslessNumber;
}

export function isMap(value: Exact | undefined): value is { [name: string]: Exact } {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof LosslessNumber);
}

/** The base64 of a DAG-JSON byte string, or undefined. */
export function bytesOf(value: Exact): string | undefined {
  const inner = isMap(value) ? value["/"] : undefined;
  const bytes = isMap(inner) ? inner.bytes : undefined;
  return typeof bytes === "string" ? bytes : undefined;
}

/** The CID of a DAG-JSON link, or undefined. */
export function linkOf(value: Exact): string | undefined {
  const link = isMap(value) ? value["/"] : undefined;
  return typeof link === "string" ? link : undefined;
}
