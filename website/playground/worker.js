/* Python in a thread of its own: a question and its answer are JSON (src/hugeresv/reports/html/playground.py). */

import { loadPyodide } from "./pyodide/pyodide.mjs";

let python;

async function archive(name) {
  const found = await fetch(new URL(name, import.meta.url));
  return found.arrayBuffer();
}

async function start() {
  const [loaded, packed] = await Promise.all([loadPyodide({ indexURL: new URL("./pyodide/", import.meta.url).href }), archive("hugeresv.zip")]);
  python = loaded;
  python.unpackArchive(packed, "zip", { extractDir: "/hugeresv" });
  python.runPython("import sys; sys.path.insert(0, '/hugeresv')");
  return python.pyimport("hugeresv.reports.html.playground").answer;
}

const started = start();

started.then(
  () => postMessage({ ready: true }),
  (error) => postMessage({ failed: String(error) }),
);

let last = Promise.resolve();

/* One question after the other: a suspended stack must not meet another one. */
addEventListener("message", ({ data }) => {
  last = last.then(() => respond(data));
});

/* What draws lanes is loaded when it is asked for first. */
let drawing;

async function respond({ id, question }) {
  const answer = await started;
  try {
    if (JSON.parse(question).do === "interleave") {
      drawing ??= archive("drawing.zip").then((packed) => python.unpackArchive(packed, "zip", { extractDir: "/hugeresv" }));
      await drawing;
    }
    /* Where a stack can be suspended, concurrent calls can be stopped in their middle. */
    postMessage({ id, answer: "Suspending" in WebAssembly ? await answer.callPromising(question) : answer(question) });
  } catch (error) {
    postMessage({ id, answer: JSON.stringify({ error: `hugeresv itself failed: ${String(error).trim().split("\n").pop()}`, line: null }) });
  }
}
