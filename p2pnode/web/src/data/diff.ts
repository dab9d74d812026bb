/** A line of a text, and whether the other text has it too. */
export interface Line {
  text: string;
  differs: boolean;
}

/** Marks the lines that two texts do not share, in order. */
export function compare(before: string, after: string): [Line[], Line[]] {
  const a = before.split("\n");
  const b = after.split("\n");
  // Lines shared at both ends need no table, and rows are short.
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++;
  const mid = (lines: string[]) => lines.slice(head, lines.length - tail);
  const [inA, inB] = shared(mid(a), mid(b));
  const mark = (lines: string[], same: Set<number>) =>
    lines.map((text, i) => ({
      text,
      differs: i >= head && i < lines.length - tail && !same.has(i - head),
    }));
  return [mark(a, inA), mark(b, inB)];
}

/** More lines than this are all taken as changed, so that the table stays small. */
const most = 1000;

/** Which lines of a and b are in their longest common subsequence. */
function shared(a: string[], b: string[]): [Set<number>, Set<number>] {
  const inA = new Set<number>();
  const inB = new Set<number>();
  if (a.length > most || b.length > most) return [inA, inB];
  const lengths = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i]![j] = a[i] === b[j] ? lengths[i + 1]![j + 1]! + 1 : Math.max(lengths[i + 1]![j]!, lengths[i]![j + 1]!);
    }
  }
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    if (a[i] === b[j]) {
      inA.add(i++);
      inB.add(j++);
    } else if (lengths[i + 1]![j]! >= lengths[i]![j + 1]!) i++;
    else j++;
  }
  return [inA, inB];
}
