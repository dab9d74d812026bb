// The part of the address behind # says what the page shows: a view and its parameters.
import { useEffect, useState } from "preact/hooks";

export const views = ["network", "data", "topics", "work"] as const;
export type View = (typeof views)[number];

export interface Route {
  view: View;
  params: URLSearchParams;
}

export type Params = Record<string, string | string[] | undefined>;

export function parseRoute(hash: string): Route {
  const [path = "", query] = hash.replace(/^#\/?/, "").split("?", 2);
  const view = views.find((v) => v === path) ?? "network";
  return { view, params: new URLSearchParams(query) };
}

/** The address of a view. Empty parameters are left out. */
export function address(view: View, params: Params = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    for (const one of [value ?? ""].flat()) if (one !== "") query.append(name, one);
  }
  const text = query.toString();
  return `#/${view}${text && "?" + text}`;
}

export function useRoute(): Route {
  const [route, setRoute] = useState(() => parseRoute(location.hash));
  useEffect(() => {
    const changed = () => setRoute(parseRoute(location.hash));
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return route;
}
