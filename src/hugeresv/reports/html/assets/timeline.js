/* The steps: a chart of the pool over time with a slider, and a list of which only what is seen is in the page. */

class Timeline {
  constructor(tracks, steps, go) {
    this.tracks = tracks;
    this.steps = steps;
    this.last = steps.length - 1;
    this.chart = shape("svg", { class: "chart", "aria-hidden": "true", preserveAspectRatio: "none" });
    this.slider = element("input", { type: "range", min: 0, max: this.last, value: 0, step: 1, "aria-label": "Step" });
    this.slider.addEventListener("input", () => go(Number(this.slider.value)));
    this.node = element("div", { class: "timeline" }, this.chart, this.slider);
    new ResizeObserver(() => this.draw()).observe(this.chart);
  }

  show(step) {
    this.step = step;
    this.slider.value = step;
    this.slider.setAttribute("aria-valuetext", this.steps[step].label);
    this.cursor?.setAttribute("transform", `translate(${this.x(step)} 0)`);
  }

  x(step) {
    return 9 + (step * (this.width - 18)) / Math.max(this.last, 1);
  }

  draw() {
    const width = (this.width = this.chart.clientWidth);
    if (!width) return;
    const height = 60;
    const lane = height / this.tracks.length;
    this.chart.setAttribute("viewBox", `0 0 ${width} ${height + 8}`);
    this.cursor = shape("g", { class: "cursor" }, shape("line", { x1: 0, x2: 0, y1: 0, y2: height + 8 }));
    this.chart.replaceChildren(
      ...this.tracks.flatMap((track, number) => this.areas(track, number * lane, lane - (this.tracks.length > 1 ? 4 : 0))),
      ...this.marks(height + 2),
      this.cursor,
    );
    this.show(this.step || 0);
  }

  /* Used pages, promised ones and all, stacked; a step is as wide as there is room, or as many as a pixel has are one. */
  areas(track, top, height) {
    const most = Math.max(...samples(track.pools, this.width).map(([, pool]) => pool[0] + Math.max(pool[2] - pool[1], 0)), 1);
    const y = (pages) => top + height - (height * Math.max(pages, 0)) / most;
    const layers = [
      ["free", (pool) => pool[0]],
      ["promised", (pool) => pool[0] - pool[1] + Math.max(pool[2], 0)],
      ["used", (pool) => pool[0] - pool[1]],
    ];
    return layers.map(([kind, value]) => {
      const half = this.x(1) - this.x(0);
      const found = samples(track.pools, this.width);
      const edge = (at) => Math.min(Math.max(this.x(at) + half / 2, 0), this.width);
      let path = `M${edge(-1)} ${y(0)}`;
      for (const [at, pool] of found) path += `V${y(value(pool)).toFixed(1)}H${edge(at).toFixed(1)}`;
      return shape("path", { class: `area ${kind}`, d: `${path}V${y(0)}z` });
    });
  }

  marks(y) {
    const found = new Map();
    this.steps.forEach(({ wrong, refused }, step) => {
      if (wrong || refused) {
        const x = Math.round(this.x(step));
        found.set(x, found.get(x) === "wrong" || wrong ? "wrong" : "refused");
      }
    });
    return [...found].map(([x, kind]) => shape("rect", { class: `mark ${kind}`, x: x - 1.5, y, width: 3, height: 5, rx: 1 }));
  }
}

/* No more moments than pixels; of those that share one, the last. */
function samples(values, most) {
  const stride = Math.max(Math.ceil(values.length / Math.max(most, 1)), 1);
  const found = [];
  for (let at = 0; at < values.length; at += stride) {
    const last = Math.min(at + stride - 1, values.length - 1);
    found.push([last, values[last]]);
  }
  return found;
}

const ROW = 30;
const BEYOND = 8;

class StepList {
  constructor(steps, go) {
    this.steps = steps;
    this.go = go;
    this.rows = element("ol", { class: "rows" });
    this.rows.style.height = `${steps.length * ROW}px`;
    this.node = element("nav", { class: "steps", "aria-label": "Steps", tabindex: -1 }, this.rows);
    this.node.addEventListener("scroll", () => this.draw());
    new ResizeObserver(() => this.draw()).observe(this.node);
    addEventListener("beforeprint", () => this.draw(true));
    addEventListener("afterprint", () => this.draw());
  }

  show(step) {
    this.step = step;
    const top = step * ROW;
    const { scrollTop, clientHeight } = this.node;
    if (top < scrollTop || top + ROW > scrollTop + clientHeight) this.node.scrollTop = top - clientHeight / 2 + ROW;
    this.draw();
  }

  draw(all = false) {
    const focused = this.rows.contains(document.activeElement) ? document.activeElement.dataset.step : null;
    const first = all ? 0 : Math.max(Math.floor(this.node.scrollTop / ROW) - BEYOND, 0);
    const end = all ? this.steps.length : Math.min(first + Math.ceil(this.node.clientHeight / ROW) + 2 * BEYOND, this.steps.length);
    this.rows.style.setProperty("--before", `${first * ROW}px`);
    this.rows.replaceChildren(...this.steps.slice(first, end).map((step, at) => this.row(step, first + at)));
    if (focused !== null) this.rows.querySelector(`[data-step="${focused}"]`)?.focus({ preventScroll: true });
  }

  row(step, number) {
    const button = element(
      "button",
      { type: "button", "data-step": number, "aria-current": number === this.step ? "step" : null, class: [step.wrong && "is-wrong", step.refused && "is-refused"].filter(Boolean).join(" ") || null },
      element("span", { class: "number" }, step.number),
      step.wrong && element("span", { class: "bang", "aria-label": "wrong" }, "!"),
      element("code", {}, step.operation),
      step.refused && element("span", { class: "outcome" }, step.outcome),
    );
    button.addEventListener("click", () => this.go(number));
    return element("li", { "aria-setsize": this.steps.length, "aria-posinset": number + 1 }, button);
  }
}
