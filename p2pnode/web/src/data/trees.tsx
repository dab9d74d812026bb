import { address } from "../route";
import type { Tree } from "../types";

/** Models first, then what the store keeps for itself. */
export function TreeList({ trees, current, base }: { trees: Tree[]; current: string; base: string }) {
  const group = (title: string, some: Tree[]) =>
    some.length > 0 && (
      <>
        <h3>{title}</h3>
        <ul>
          {some.map((t) => (
            <li key={t.name}>
              <a
                href={address("data", { at: base, tree: t.name })}
                aria-current={t.name === current ? "page" : undefined}
              >
                <span class="breaks">{t.name}</span>
                <span class="policy">{t.policy}</span>
              </a>
            </li>
          ))}
        </ul>
      </>
    );
  return (
    <>
      {group(
        "Models",
        trees.filter((t) => t.hosted),
      )}
      {group(
        "Other trees",
        trees.filter((t) => !t.hosted),
      )}
    </>
  );
}
