const counts = new Intl.NumberFormat("en-US");

export const count = (n: number) => counts.format(n);

export const plural = (n: number, thing: string, many = thing + "s") => `${count(n)} ${n === 1 ? thing : many}`;

/** Bytes with a unit, in three digits. */
export function size(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let n = bytes;
  let unit = 0;
  for (; n >= 1000 && unit < units.length - 1; unit++) n /= 1024;
  return `${short(n)} ${units[unit]}`;
}

/** A number in about three digits. */
export function short(n: number): string {
  if (n === 0) return "0";
  const abs = Math.abs(n);
  if (abs >= 100 || Number.isInteger(n)) return count(Math.round(n));
  return n.toFixed(abs >= 10 ? 1 : abs >= 1 ? 2 : 3);
}

/** A span of seconds with a unit. */
export function span(seconds: number): string {
  if (seconds === 0) return "0 s";
  if (seconds < 0.001) return `${short(seconds * 1e6)} µs`;
  if (seconds < 1) return `${short(seconds * 1e3)} ms`;
  if (seconds < 120) return `${short(seconds)} s`;
  if (seconds < 7200) return plural(Math.round(seconds / 60), "minute");
  if (seconds < 172800) return plural(Math.round(seconds / 3600), "hour");
  return plural(Math.round(seconds / 86400), "day");
}

/** The value of a line of a chart, with its unit. */
export function measure(value: number, unit: string): string {
  switch (unit) {
    case "B":
      return size(value);
    case "s":
      return span(value);
    case "1/s":
      return `${short(value)}/s`;
    default:
      return short(value);
  }
}

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const date = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

export const timeOfDay = (text: string) => clock.format(new Date(text));
export const dateAndTime = (text: string) => date.format(new Date(text));

/** The end of a peer's id, which tells peers apart. */
export const shortID = (id: string) => (id.length > 12 ? "…" + id.slice(-8) : id);

export const shorten = (text: string, length: number) =>
  text.length > length ? text.slice(0, length - 1) + "…" : text;
