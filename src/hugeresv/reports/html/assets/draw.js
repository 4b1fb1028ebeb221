/* Elements, numbers and strips. Text is only ever set as text. */

const SVG = "http://www.w3.org/2000/svg";

function element(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function shape(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.flat().filter((child) => child != null && child !== false).map(visible));
  return node;
}

/* Text without what nobody sees or what turns it around: that is written as an escape. */
function visible(text) {
  if (typeof text !== "string") return text;
  return text.replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu, (sign) => (sign === "\n" ? sign : `\\u${sign.codePointAt(0).toString(16).padStart(4, "0")}`));
}

function plural(count, word) {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

const UNSIGNED = 1n << 64n;

/* A negative counter as the kernel prints it. */
function printed(count) {
  return String(BigInt(count) + UNSIGNED);
}

const CELL = { most: 22, least: 5, height: 20 };
const MOST_SHAPES = 1500;

/* A mapping or a file, page by page where there is room, else as runs; under it its reservation map and its VMAs. */
function strip({ runs, changed = [], regions = [], several = [], vmas = [], shared, states, width, label }) {
  const pages = runs.length ? runs[runs.length - 1][1] : 0;
  const cell = Math.min(width / Math.max(pages, 1), CELL.most);
  const x = (page) => page * cell;
  const apart = cell >= CELL.least;
  const drawn = [];
  for (const [first, end, state] of merged(runs, cell)) drawn.push(...cells(first, end, states[state], x, apart, shared));
  for (const [first, end] of clipped(several, cell)) {
    for (let page = first; apart && page < end; page++) {
      drawn.push(shape("path", { class: "several", d: `M${x(page + 1) - 8} 6h6v6z` }));
    }
  }
  for (const [first, end] of clipped(changed, cell)) {
    drawn.push(shape("rect", { class: "changed", x: x(first) + 1, y: 0, width: Math.max(x(end - first) - 2, 2), height: 2.5, rx: 1 }));
  }
  drawn.push(shape("line", { class: "base", x1: 0, x2: x(pages), y1: 31.5, y2: 31.5 }));
  for (const [first, end] of clipped(regions, cell)) {
    drawn.push(shape("rect", { class: "region", x: x(first) + 1, y: 29.5, width: Math.max(x(end - first) - 2, 1), height: 4, rx: 1.5 }));
  }
  for (const vma of vmas.slice(0, MOST_SHAPES)) drawn.push(...bracket(vma, x));
  const height = vmas.length ? 52 : 36;
  return shape(
    "svg",
    { class: "strip", role: "img", "aria-label": label, width: Math.max(x(pages), 1) + 1, height, viewBox: `0 0 ${Math.max(x(pages), 1) + 1} ${height}` },
    shape("title", {}, label),
    ...drawn,
  );
}

/* Pages [first, end) in one state: a cell each, or one for all. */
function cells(first, end, state, x, apart, shared) {
  const top = 5;
  if (!apart) {
    return [shape("rect", { class: `page run ${state}`, x: x(first), y: top, width: Math.max(x(end - first), 0.75), height: CELL.height })];
  }
  const found = [];
  for (let page = first; page < end; page++) {
    const size = x(1) - 3;
    const middle = x(page) + x(1) / 2;
    const box = { x: x(page) + 1.5, y: top + 1, width: size, height: CELL.height - 2, rx: shared ? Math.min(size, CELL.height - 2) / 2 : 2 };
    if (state === "unreserved") found.push(shape("circle", { class: "page unreserved", cx: middle, cy: top + CELL.height / 2, r: Math.min(2.2, x(1) / 4) }));
    else if (state === "hole") found.push(shape("line", { class: "page hole", x1: x(page) + 3, x2: x(page + 1) - 3, y1: top + CELL.height - 3, y2: top + CELL.height - 3 }));
    else found.push(shape("rect", { class: `page ${state}`, ...box }));
    if (state === "consumed" && x(1) > 9) {
      const r = Math.min(size, 12) / 3.2;
      const cy = top + CELL.height / 2;
      found.push(shape("path", { class: "cross", d: `M${middle - r} ${cy - r}l${2 * r} ${2 * r}m0 ${-2 * r}l${-2 * r} ${2 * r}` }));
    }
  }
  return found;
}

function bracket(vma, x) {
  const left = x(vma.from) + 1.5;
  const right = Math.max(x(vma.to) - 1.5, left + 1);
  const text = [vma.prot === "rw" ? null : vma.prot, ...vma.flags].filter(Boolean).join(" ");
  return [
    shape("path", { class: "vma", d: `M${left} 38v4h${right - left}v-4` }),
    text && right - left > text.length * 5.6 ? shape("text", { class: "vma-text", x: left + 2, y: 51 }, text) : null,
  ].filter(Boolean);
}

/* Runs that are narrower than half a pixel join the one before: nobody could see them, and there may be many. */
function merged(runs, cell) {
  if (runs.length <= MOST_SHAPES) return runs;
  const found = [];
  for (const [first, end, state] of runs) {
    const last = found[found.length - 1];
    if (last && (end - last[0]) * cell < 1) last[1] = end;
    else found.push([first, end, state]);
  }
  return found;
}

function clipped(ranges, cell) {
  return merged(ranges.map(([first, end]) => [first, end, 0]), cell);
}
