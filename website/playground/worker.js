/* Python in a thread of its own: a question and its answer are JSON (src/hugeresv/reports/html/playground.py). */

import { loadPyodide } from "./pyodide/pyodide.mjs";

async function archive(name) {
  const found = await fetch(new URL(name, import.meta.url));
  return found.arrayBuffer();
}

/* The memory of a Python that has imported everything already (website/snapshot.mjs). */
async function snapshot() {
  const found = await fetch(new URL("snapshot.bin", import.meta.url));
  return new Uint8Array(await new Response(found.body.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer());
}

const indexURL = new URL("./pyodide/", import.meta.url).href;

/* Answers soon, and cannot stop a call in its middle: the snapshot is of a Python whose stack could not be suspended. */
async function startQuick() {
  const [memory, packed] = await Promise.all([snapshot(), archive("hugeresv.zip")]);
  return answering(await loadPyodide({ indexURL, _loadSnapshot: memory }), packed);
}

/* For concurrent calls, which are stopped in their middle where the browser can suspend a stack. */
async function startSuspending() {
  const [python, packed, drawing] = await Promise.all([loadPyodide({ indexURL }), archive("hugeresv.zip"), archive("drawing.zip")]);
  python.runPython("import sys; sys.path.insert(0, '/hugeresv')");
  python.unpackArchive(drawing, "zip", { extractDir: "/hugeresv" });
  const answer = answering(python, packed);
  return (question) => ("Suspending" in WebAssembly ? answer.callPromising(question) : answer(question));
}

function answering(python, packed) {
  python.unpackArchive(packed, "zip", { extractDir: "/hugeresv" });
  return python.pyimport("hugeresv.reports.html.playground").answer;
}

const started = startQuick();

started.then(
  () => postMessage({ ready: true }),
  (error) => postMessage({ failed: String(error) }),
);

let last = Promise.resolve();

/* One question after the other: a suspended stack must not meet another one. */
addEventListener("message", ({ data }) => {
  last = last.then(() => respond(data));
});

const AT_ONCE = /^\s*together\b|"op":\s*"together"/m;

let suspending;

function forQuestion(question) {
  const { do: what, text } = JSON.parse(question);
  if (what !== "interleave" && !AT_ONCE.test(text)) return started;
  return (suspending ??= startSuspending());
}

async function respond({ id, question }) {
  try {
    const answer = await forQuestion(question);
    postMessage({ id, answer: await answer(question) });
  } catch (error) {
    postMessage({ id, answer: JSON.stringify({ error: `hugeresv itself failed: ${String(error).trim().split("\n").pop()}`, line: null }) });
  }
}
