// Runs the Go program of the board for all tabs that show it: the database and the peer are there once.

importScripts("wasm_exec.js");

const tabs = new Set();
const last = {}; // what a new tab is told at first

// tell is called by the program, with one of the notes, the status and an error.
globalThis.tell = (text) => {
  Object.assign(last, JSON.parse(text));
  for (const tab of tabs) tab.postMessage(text);
};

// The program sets globalThis.take. Until then what the tabs ask for waits.
const waiting = [];
globalThis.takeWaiting = () => waiting.splice(0);
const take = (text) => (globalThis.take ? globalThis.take(text) : waiting.push(text));

onconnect = ({ ports: [tab] }) => {
  tabs.add(tab);
  tab.onmessage = ({ data }) => (data === "closed" ? tabs.delete(tab) : take(data));
  tab.postMessage(JSON.stringify(last));
};

// fetchPeers is called by the program, with a function that takes the answer, or "".
globalThis.fetchPeers = (take) =>
  fetch("peers.json", { signal: AbortSignal.timeout(10_000) })
    .then((response) => (response.ok ? response.text() : ""))
    .catch(() => "")
    .then(take);

const fail = (error) => tell(JSON.stringify({ error }));
const go = new Go();
WebAssembly.instantiateStreaming(fetch("page.wasm"), go.importObject)
  .then(({ instance }) => go.run(instance))
  .then(() => fail(`${last.error ?? "The program has ended."} Close all tabs of the board and open it again.`))
  .catch((error) => fail(String(error)));
