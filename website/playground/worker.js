/* Python in a thread of its own: a question and its answer are JSON (src/hugeresv/reports/html/playground.py). */

import { loadPyodide } from "./pyodide/pyodide.mjs";

async function start() {
  const [python, archive] = await Promise.all([
    loadPyodide({ indexURL: new URL("./pyodide/", import.meta.url).href }),
    fetch(new URL("./hugeresv.zip", import.meta.url)).then((answer) => answer.arrayBuffer()),
  ]);
  python.unpackArchive(archive, "zip", { extractDir: "/hugeresv" });
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

async function respond({ id, question }) {
  const answer = await started;
  try {
    /* Where a stack can be suspended, calls at once can be stopped in their middle. */
    postMessage({ id, answer: "Suspending" in WebAssembly ? await answer.callPromising(question) : answer(question) });
  } catch (error) {
    postMessage({ id, answer: JSON.stringify({ error: `hugeresv itself failed: ${String(error).trim().split("\n").pop()}`, line: null }) });
  }
}
