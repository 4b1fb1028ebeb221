/* The memory of Python once it has imported the playground, for browsers to begin with:
   node snapshot.mjs PYODIDE ARCHIVE MODULE SNAPSHOT. */

import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";

const [folder, archive, module, snapshot] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(`${folder}/pyodide.mjs`).href);
const python = await loadPyodide({ indexURL: folder, _makeSnapshot: true });
python.unpackArchive(new Uint8Array(readFileSync(archive)), "zip", { extractDir: "/hugeresv" });
python.runPython(`import sys; sys.path.insert(0, "/hugeresv"); import ${module}`);
writeFileSync(snapshot, gzipSync(python.makeMemorySnapshot()));
