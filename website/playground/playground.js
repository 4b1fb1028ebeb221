/* The playground: a scenario, the kernels that run it, and what happens. All of it is in the address. */

"use strict";

const PAUSE = 250;

const isEmbedded = new URLSearchParams(location.search).has("embed") && window.frameElement !== null;

const by = (id) => document.getElementById(id);

class Python {
  constructor(onReady, onFailed) {
    this.waiting = new Map();
    this.number = 0;
    this.worker = new Worker("worker.js", { type: "module" });
    this.worker.addEventListener("error", () => onFailed("the thread could not be started"));
    this.worker.addEventListener("message", ({ data }) => {
      if (data.ready) onReady();
      else if (data.failed) onFailed(data.failed);
      else {
        this.waiting.get(data.id)(JSON.parse(data.answer));
        this.waiting.delete(data.id);
      }
    });
  }

  ask(question) {
    const id = ++this.number;
    this.worker.postMessage({ id, question: JSON.stringify(question) });
    return new Promise((resolve) => this.waiting.set(id, resolve));
  }
}

/* Text as part of an address: packed, in letters that need no escape. */
async function packed(text) {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

async function unpacked(letters) {
  const bytes = Uint8Array.from(atob(letters.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"))).text();
}

/* Where a film is opened: where something goes wrong; in a page of the docs else behind the last call. */
function opening({ films, part, steps }) {
  if (part != null) return part;
  const found = films[0].moments.findIndex(({ wrong }) => wrong);
  if (found >= 0) return found;
  return isEmbedded ? steps.length : 0;
}

/* What is in the fields of a form; numbers as numbers. */
function filled(id) {
  const fields = [...by(id).elements].filter(({ name }) => name);
  return Object.fromEntries(fields.map(({ name, type, value }) => [name, type === "number" ? Number(value) : value]));
}

class Playground {
  constructor({ scenarios, operations, kernels, ready }) {
    this.scenarios = scenarios;
    this.filmsReady = ready;
    this.films = new Films(by("place"), (_, step) => this.stepped(step));
    this.editor = new Editor(by("text"), by("coloured"), operations);
    by("kernels").append(...kernels.map((name) => element("option", { value: name })));
    this.choices();
    by("text").addEventListener("input", () => this.later());
    for (const id of ["kernel", "other"]) by(id).addEventListener("input", () => this.later());
    by("scenarios").addEventListener("change", () => this.choose(by("scenarios").value));
    by("fit").addEventListener("submit", (event) => this.fit(event));
    by("explore").addEventListener("submit", (event) => this.explore(event));
    by("interleave").addEventListener("click", () => this.interleave());
    by("link").addEventListener("click", () => this.copy());
    addEventListener("hashchange", () => location.hash.slice(1) !== this.place && this.arrive());
  }

  /* Python is loaded when something is asked of it, or when there is nothing else to do. */
  get python() {
    if (!this.started) {
      by("state").textContent = "Python is being loaded…";
      this.started = new Python(() => this.ready(), (why) => this.cannot(`Python could not be loaded: ${why}.`));
    }
    return this.started;
  }

  choices() {
    const groups = new Map();
    for (const name of Object.keys(this.scenarios)) {
      const folder = name.includes("/") ? name.slice(0, name.lastIndexOf("/")) : "first steps";
      const short = name.slice(name.lastIndexOf("/") + 1);
      if (!groups.has(folder)) groups.set(folder, element("optgroup", { label: folder }));
      groups.get(folder).append(element("option", { value: name }, short));
    }
    by("scenarios").append(...groups.values());
  }

  ready() {
    by("state").textContent = "";
    this.isReady = true;
  }

  cannot(why) {
    by("state").textContent = "";
    by("trouble").textContent = why;
  }

  /* What the address says; without anything a fork that goes wrong on 6.18. */
  async arrive() {
    const asked = new URLSearchParams(location.hash.slice(1));
    const name = asked.get("name");
    let text = this.scenarios[name] ?? this.scenarios["history/H104-parent-leaves-before-its-child"] ?? "";
    if (asked.has("scn")) {
      try {
        text = await unpacked(asked.get("scn"));
      } catch {
        this.cannot("The address holds no scenario that can be read.");
      }
    }
    if (asked.has("on")) by("kernel").value = asked.get("on");
    by("other").value = asked.get("with") ?? "";
    this.step = /^\d+$/.test(asked.get("step") ?? "") ? Number(asked.get("step")) : undefined;
    this.editor.text = text;
    if (isEmbedded) by("text").style.height = `${Math.min(text.trimEnd().split("\n").length, 16) * 1.55 + 1.6}em`;
    await this.run();
  }

  choose(name) {
    if (!(name in this.scenarios)) return;
    this.editor.text = this.scenarios[name];
    this.step = undefined;
    this.run();
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.run(), PAUSE);
  }

  /* One run at a time; of those that are asked for meanwhile the last. */
  async run() {
    if (this.isRunning) {
      this.again = true;
      return;
    }
    this.isRunning = true;
    this.again = false;
    const asked = { text: this.editor.text, kernel: by("kernel").value, other: by("other").value };
    this.showChoice(asked.text);
    const slow = setTimeout(() => this.isReady && (by("state").textContent = "running…"), 300);
    const found = (await this.film(asked)) ?? (await this.python.ask({ do: "run", ...asked }));
    clearTimeout(slow);
    if (this.isReady) by("state").textContent = "";
    this.isRunning = false;
    if (this.again) return this.run();
    this.show(found);
    await this.remember();
  }

  /* What Python would answer, where the site has it ready. */
  async film({ text, kernel, other }) {
    const path = this.filmsReady[[this.name, kernel.trim(), other.trim()].filter(Boolean).join(" ")];
    return this.name && text === this.scenarios[this.name] && path ? (await fetch(path)).json() : undefined;
  }

  show({ films, error, line }) {
    by("trouble").textContent = error ? `${line ? `line ${line}: ` : ""}${error}` : "";
    by("orders").hidden = Boolean(error) || !/^\s*together\b|"op":\s*"together"/m.test(this.editor.text);
    by("lanes").hidden = true;
    this.editor.mark(line ?? null);
    if (films) {
      this.isShowing = true;
      this.films.show(films, { step: this.step ?? opening(films.runs[0]) });
      this.isShowing = false;
      if (!by("legend").childElementCount) this.explain(legend(films.states));
    }
  }

  explain([title, ...rest]) {
    if (isEmbedded) by("legend").append(element("details", {}, element("summary", {}, title.textContent), rest));
    else by("legend").append(title, ...rest);
  }

  showChoice(text) {
    const found = Object.entries(this.scenarios).find(([, known]) => known === text);
    this.name = found ? found[0] : "";
    by("scenarios").value = this.name;
  }

  /* A step that somebody chose is kept while the scenario is written; until then it opens where something goes wrong. */
  stepped(step) {
    if (this.isShowing) return;
    this.step = step;
    this.remember();
  }

  async remember() {
    const said = new URLSearchParams(this.name ? { name: this.name } : { scn: await packed(this.editor.text) });
    said.set("on", by("kernel").value);
    if (by("other").value.trim()) said.set("with", by("other").value);
    if (this.step) said.set("step", this.step);
    this.place = said.toString();
    history.replaceState(null, "", `#${this.place}`);
  }

  async copy() {
    await this.remember();
    try {
      await navigator.clipboard.writeText(location.href);
      by("link").textContent = "copied";
    } catch {
      by("link").textContent = "the address bar has it";
    }
    setTimeout(() => (by("link").textContent = "copy link"), 1500);
  }

  async fit(event) {
    event.preventDefault();
    const { text, error } = await this.python.ask({ do: "fit", kernel: by("kernel").value, ...filled("fit") });
    by("answer").textContent = text ?? error;
  }

  /* A page of its own, in a frame in which no script runs. */
  async interleave() {
    by("refused").textContent = "trying…";
    const { page, error } = await this.python.ask({ do: "interleave", text: this.editor.text, kernel: by("kernel").value });
    by("refused").textContent = error ?? "";
    by("lanes").hidden = !page;
    if (page) by("lanes").srcdoc = page.replace("<html ", `<html data-theme="${document.documentElement.dataset.theme}" `);
  }

  /* A history that is found becomes the scenario that is shown. */
  async explore(event) {
    event.preventDefault();
    by("explored").textContent = "exploring…";
    const asked = { kernel: by("kernel").value, other: by("other").value, ...filled("explore") };
    const { text, error, scenario } = await this.python.ask({ do: "explore", ...asked });
    by("explored").textContent = text ?? error;
    if (!scenario) return;
    this.editor.text = scenario;
    this.step = undefined;
    this.run();
  }
}

async function begin() {
  startColours();
  document.body.classList.toggle("is-embedded", isEmbedded);
  if (location.protocol === "file:") throw new Error("The playground must be served: python3 dev.py site --serve");
  const missing = Object.entries({ WebAssembly: globalThis.WebAssembly, Worker: globalThis.Worker, CompressionStream: globalThis.CompressionStream }).filter(([, there]) => !there);
  if (missing.length) throw new Error(`This browser cannot run it: it has no ${missing.map(([name]) => name).join(" and no ")}.`);
  const data = await (await fetch("data.json")).json();
  globalThis.playground = new Playground(data);
  await globalThis.playground.arrive();
  if (isEmbedded) embed();
  else globalThis.playground.python;
}

/* In a page of the docs: as high as what it shows, and never lower than it was. */
function embed() {
  let height = 0;
  const fit = () => {
    height = Math.max(height, document.body.scrollHeight);
    frameElement.style.height = `${height}px`;
  };
  new ResizeObserver(fit).observe(document.body);
}

begin().catch((error) => {
  by("state").textContent = "";
  by("trouble").textContent = error.message;
});
