/* A run, or two beside each other: the steps, and the machine at the one that is looked at. */

class Run {
  constructor(data, states, onStep) {
    this.data = data;
    this.tracks = data.films.map((track) => new Track(track, states));
    this.onStep = onStep;
    const length = Math.max(...this.tracks.map((track) => track.length));
    this.steps = Array.from({ length }, (_, index) => this.describe(index));
    const go = (step) => this.go(step);
    this.timeline = new Timeline(this.tracks, this.steps, go);
    this.list = new StepList(this.steps, go);
    this.stage = element("div", { class: `stage tracks-${this.tracks.length}` });
    this.heading = element("div", { class: "now" });
    this.said = element("p", { class: "visually-hidden", role: "status" });
    this.node = element(
      "div",
      { class: "run" },
      element("div", { class: "deck" }, this.timeline.node, this.controls()),
      element("div", { class: "columns" }, this.list.node, element("div", { class: "view" }, this.heading, this.stage, this.said)),
    );
    new ResizeObserver(() => this.resized()).observe(this.stage);
  }

  describe(index) {
    const moments = this.tracks.map((track) => track.moments[index]);
    const isEnd = index > this.data.steps.length;
    const [operation, note, number] = index === 0 ? ["(start)", null] : isEnd ? ["(cleanup)", null] : this.data.steps[index - 1];
    const outcomes = [...new Set(moments.filter((moment) => moment && moment.outcome).map((moment) => moment.outcome))];
    const outcome = outcomes.join(" / ");
    const wrong = this.tracks.some((track) => track.wrongAt(index)) || this.data.part === index;
    const refused = outcomes.some((each) => each !== "ok");
    const name = index === 0 ? "Start" : isEnd ? "Cleanup" : `Step ${number ?? index}`;
    const label = `${name}: ${operation}${outcome ? `, ${outcome}` : ""}${wrong ? ", wrong" : ""}`;
    return { operation, note, number: index === 0 ? "" : isEnd ? "end" : String(number ?? index), outcome, wrong, refused, name, label };
  }

  controls() {
    const button = (text, label, keys, act) => {
      const node = element("button", { type: "button", title: `${label} (${keys})`, "aria-label": label }, text);
      node.addEventListener("click", act);
      return node;
    };
    this.play = button("▶", "Play", "space", () => this.toggle());
    this.at = element("span", { class: "at" });
    return element(
      "div",
      { class: "controls", role: "group", "aria-label": "Steps" },
      button("|◀", "First step", "Home", () => this.go(0)),
      button("◁", "Previous step", "←", () => this.go(this.step - 1)),
      this.play,
      button("▷", "Next step", "→", () => this.go(this.step + 1)),
      button("▶|", "Last step", "End", () => this.go(this.steps.length - 1)),
      this.at,
      this.steps.some(({ wrong }) => wrong) && button("next !", "Next step at which something is wrong", "n", () => this.nextWrong()),
    );
  }

  go(step) {
    step = Math.max(0, Math.min(step, this.steps.length - 1));
    if (step === this.step) return;
    this.step = step;
    this.timeline.show(step);
    this.list.show(step);
    this.at.textContent = `${step} of ${this.steps.length - 1}`;
    this.draw();
    this.said.textContent = this.steps[step].label;
    this.onStep(step);
  }

  nextWrong() {
    const after = this.steps.findIndex(({ wrong }, step) => wrong && step > this.step);
    this.go(after >= 0 ? after : this.steps.findIndex(({ wrong }) => wrong));
  }

  toggle() {
    if (this.timer) {
      clearInterval(this.timer);
      this.timer = null;
    } else {
      if (this.step === this.steps.length - 1) this.go(0);
      this.timer = setInterval(() => (this.step < this.steps.length - 1 ? this.go(this.step + 1) : this.toggle()), 900);
    }
    this.play.textContent = this.timer ? "||" : "▶";
    this.play.setAttribute("aria-label", this.timer ? "Pause" : "Play");
  }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const inSlider = event.target === this.timeline.slider;
    const act = {
      ArrowRight: () => this.go(this.step + 1),
      ArrowLeft: () => this.go(this.step - 1),
      PageDown: () => this.go(this.step + 10),
      PageUp: () => this.go(this.step - 10),
      Home: () => this.go(0),
      End: () => this.go(this.steps.length - 1),
      n: () => this.nextWrong(),
      " ": event.target.tagName === "BUTTON" || event.target.tagName === "SUMMARY" ? null : () => this.toggle(),
    }[event.key];
    if (!act || /^(TEXTAREA|SELECT)$/.test(event.target.tagName) || (event.target.tagName === "INPUT" && !inSlider)) return;
    event.preventDefault();
    act();
  }

  resized() {
    const width = this.stage.clientWidth;
    if (width !== this.width) {
      this.width = width;
      this.draw();
    }
  }

  draw() {
    if (this.step === undefined || !this.width) return;
    const { name, operation, note, outcome, refused } = this.steps[this.step];
    this.heading.replaceChildren(
      element("h2", {}, element("span", { class: "name" }, name), " ", element("code", {}, operation), " ", outcome && element("span", { class: `outcome${refused ? " is-refused" : ""}` }, outcome)),
      note ? element("p", { class: "note" }, note) : "",
    );
    const beside = this.tracks.length > 1 && this.width > 620;
    this.stage.classList.toggle("beside", beside);
    const width = (beside ? (this.width - 24) / 2 : this.width) - 34;
    this.stage.replaceChildren(...this.tracks.map((track) => this.one(track, width)));
  }

  one(track, width) {
    const view = track.at(this.step);
    const over = this.step >= track.length;
    const pool = valueOf(track, view.now, "pool");
    const before = this.step > 0 ? valueOf(track, view.before, "pool") : null;
    const beside = this.tracks.find((each) => each !== track && this.step < each.length);
    const other = beside && !over ? beside.pools[this.step] : undefined;
    return element(
      "div",
      { class: "track" },
      this.tracks.length > 1 && element("h3", { class: "kernel" }, `on ${track.kernel}`, view.moment.outcome && element("span", { class: `outcome${view.moment.outcome === "ok" ? "" : " is-refused"}` }, view.moment.outcome)),
      over && element("p", { class: "stopped" }, track.stopped || "There is no further step on this kernel."),
      wrong(track, view),
      track.log && view.moment === track.moments[track.length - 1] && section("The kernel's log", element("pre", {}, track.log)),
      section("Pool", poolBar(pool, before, this.data.page, "Pool", other), otherPools(track, view, this.data.page)),
      promises(track, view, pool[2]),
      [...thingsOf(track, view, "other pool")].map(([[size], [, , rsvd]]) => promises(track, view, rsvd, size)),
      processes(track, view, width),
      files(track, view, width),
      element("div", { class: "pairs" }, cgroups(track, view), mounts(track, view)),
    );
  }
}

/* Pools of other page sizes, and the nodes of all. */
function otherPools(track, view, firstSize) {
  const found = [...thingsOf(track, view, "other pool")].map(([[size], pool, before]) =>
    element("div", { class: "other" }, element("h4", {}, `Pages of ${size}`), poolBar(pool, before, size, `Pool of ${size}`)),
  );
  const nodes = [...thingsOf(track, view, "node")];
  if (nodes.length) {
    found.push(
      element(
        "table",
        { class: "nodes" },
        element("thead", {}, element("tr", {}, ["node", "pages", "total", "free", "surp"].map((name) => element("th", { scope: "col" }, name)))),
        element("tbody", {}, nodes.map(([[size, node], counts, before]) => element("tr", { class: isChanged(counts, before) ? "is-changed" : null }, element("th", { scope: "row" }, node), element("td", {}, size || firstSize), counts.map((count) => element("td", {}, String(count)))))),
      ),
    );
  }
  return found;
}

function wrong(track, { moment, previous }) {
  if (!moment.wrong) return null;
  const known = new Set((previous && previous.wrong) || []);
  return element(
    "section",
    { class: "wrong" },
    element("h3", {}, "What is wrong"),
    element("ul", {}, moment.wrong.map((text) => element("li", {}, track.texts[text], !known.has(text) && tag("new", "changed")))),
    track.causes.map((text) => element("p", { class: "causes" }, text)),
  );
}

/* Films in a place of a page; `address` is told of the run and the step that are looked at. */
class Films {
  constructor(place, address = () => {}) {
    this.place = place;
    this.address = address;
    document.addEventListener("keydown", (event) => this.run && this.run.key(event));
  }

  show(data, start = {}) {
    this.data = data;
    this.open(Math.min(start.run || 0, data.runs.length - 1), start.step);
  }

  open(number, step) {
    if (this.run && this.run.timer) this.run.toggle();
    const run = this.data.runs[number];
    this.run = new Run(run, this.data.states, (at) => this.address(number, at));
    this.place.replaceChildren(this.run.node);
    this.run.width = this.run.stage.clientWidth;
    this.run.go(step ?? run.part ?? 0);
  }
}
