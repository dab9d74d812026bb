// Requests to the control interface. Base is the path below which a peer is served, as
// NetworkPeer.base has it.
import { parseExact } from "./exact";
import { askToken, forgetToken } from "./token";
import type { Failure } from "./types";

/** An answer that says why a request failed. */
export class RequestError extends Error {
  constructor(readonly failure: Failure) {
    super(failure.message);
  }
}

/** The node cannot be reached. */
export class Unreachable extends Error {
  constructor() {
    super("The node does not answer. Is it still running?");
  }
}

/** How long the page waits until it asks once more. */
const again = 400;

/** Browsers cut requests off when the computer's network changes, so a question is asked twice. */
async function ask(path: string, init: RequestInit): Promise<Response> {
  for (let last = (init.method ?? "GET") !== "GET"; ; last = true) {
    try {
      return await fetch(path, { cache: "no-store", ...init });
    } catch (err) {
      if (init.signal?.aborted) throw err;
      if (last) throw new Unreachable();
    }
    await new Promise((resolve) => setTimeout(resolve, again));
  }
}

async function send(path: string, init: RequestInit): Promise<Response> {
  const answer = await ask(path, init);
  if (answer.ok) return answer;
  const text = await answer.text();
  let failure: Failure | undefined;
  try {
    failure = (JSON.parse(text) as { error?: Failure }).error;
  } catch {
    // Not from the control interface: its status says as much as there is.
  }
  throw new RequestError(
    failure ?? { code: "internal", message: `The node answers ${answer.status} ${answer.statusText}.` },
  );
}

/** Asks for something. Numbers longer than 15 digits stay text, see exact.ts. */
export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  const answer = await send(path, { signal });
  return parseExact(await answer.text()) as T;
}

/** As get, for answers without rows: numbers are numbers. */
export async function getPlain<T>(path: string, signal?: AbortSignal): Promise<T> {
  const answer = await send(path, { signal });
  return (await answer.json()) as T;
}

/** Makes a request that needs the token, and asks for the token if there is none. */
export async function withToken<T>(path: string, body?: string): Promise<T> {
  const answer = await sendWithToken(path, body);
  return parseExact(await answer.text()) as T;
}

async function sendWithToken(path: string, body?: string): Promise<Response> {
  for (let wrong = false; ; wrong = true) {
    const token = await askToken(wrong);
    const headers: HeadersInit = { Authorization: `Bearer ${token}` };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    try {
      return await send(path, { method: body === undefined ? "GET" : "POST", headers, body });
    } catch (err) {
      if (!(err instanceof RequestError) || err.failure.code !== "no_token") throw err;
      forgetToken();
    }
  }
}

/** Reads a stream of JSON lines until it ends. */
export async function stream(path: string, signal: AbortSignal, each: (lines: unknown[]) => void): Promise<void> {
  await readLines(await send(path, { signal }), each);
}

/** Makes a request that needs the token and is answered by a stream, whose last line may say why it failed. */
export async function streamWithToken<T>(path: string, body: string, each: (line: T) => void): Promise<void> {
  await readLines(await sendWithToken(path, body), (lines) => {
    for (const line of lines as (T & { error?: Failure | string })[]) {
      if (typeof line.error === "object") throw new RequestError(line.error);
      each(line);
    }
  });
}

async function readLines(answer: Response, each: (lines: unknown[]) => void): Promise<void> {
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop()!;
    each(lines.filter((line) => line !== "").map((line) => JSON.parse(line)));
  }
}

/** The path of a tree of a peer. */
export const treePath = (base: string, tree: string) => `${base}/v1/trees/${encodeURIComponent(tree)}`;

export function messageOf(err: unknown): string {
  if (err instanceof RequestError && err.failure.suggestion) {
    return `${err.message} Did you mean ${err.failure.suggestion}?`;
  }
  return err instanceof Error ? err.message : String(err);
}
