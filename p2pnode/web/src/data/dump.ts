/** Lines of 16 bytes in hex, with the offset before and what can be printed behind. */
export function dump(hex: string): string {
  const lines: string[] = [];
  for (let i = 0; i < hex.length; i += 32) {
    const pairs = hex.slice(i, i + 32).match(/../g) ?? [];
    const printed = pairs.map((pair) => {
      const code = parseInt(pair, 16);
      return code >= 0x20 && code < 0x7f ? String.fromCharCode(code) : ".";
    });
    const offset = (i / 2).toString(16).padStart(4, "0");
    lines.push(`${offset}  ${pairs.join(" ").padEnd(47)}  ${printed.join("")}`);
  }
  return lines.join("\n");
}
