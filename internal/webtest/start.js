"use strict";

// Runs program.wasm in a page, or in a worker of it, and tells what it prints and how it ends. In the page,
// report is a function of the browser's driver.

async function runProgram({ args, env }, tell) {
  const decoder = new TextDecoder();
  globalThis.fs.writeSync = (fd, bytes) => {
    tell({ text: decoder.decode(bytes, { stream: true }) });
    return bytes.length;
  };
  const go = new Go();
  go.argv = ["program.wasm", ...args ?? []];
  go.env = { ...env };
  let code = 0;
  go.exit = (status) => { code = status; };
  const { instance } = await WebAssembly.instantiateStreaming(fetch("program.wasm"), go.importObject);
  await go.run(instance);
  tell({ ended: true, code });
}

// startWorker runs the program in a worker of its own. Tell is called with each message of it.
function startWorker(program, tell) {
  const worker = new Worker("start.js");
  worker.onmessage = ({ data }) => tell(data);
  worker.onerror = (event) => {
    event.preventDefault(); // or else it is one of this program, too
    tell({ error: event.message });
  };
  worker.postMessage(program);
  return worker;
}

// begin is called by the driver.
function begin({ where, ...program }) {
  const tell = (message) => report(JSON.stringify(message));
  const fail = (error) => tell({ error: String(error?.stack ?? error) });
  if (where === "page") {
    runProgram(program, tell).catch(fail);
  } else {
    const worker = startWorker(program, tell);
    globalThis.answered = () => worker.postMessage({ answered: true });
  }
}

// ask has the driver do something, and waits until it has been done. In a worker, the page passes that on.
function ask(what) {
  return new Promise((resolve) => {
    globalThis.answered = resolve;
    if (inWorker) {
      postMessage(what);
    } else {
      report(JSON.stringify(what));
    }
  });
}

const inWorker = typeof WorkerGlobalScope !== "undefined";

if (inWorker) {
  importScripts("wasm_exec.js");
  onmessage = ({ data: program }) => {
    if (program.answered) {
      globalThis.answered();
      return;
    }
    const fail = (error) => postMessage({ error: String(error?.stack ?? error) });
    runProgram(program, postMessage).catch(fail);
  };
}
