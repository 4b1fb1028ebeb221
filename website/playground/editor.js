/* A scenario as text, coloured while it is written: what is seen lies behind a textarea whose own text is transparent. */

const SIGNS = /(#.*$)|("(?:[^"\\]|\\.)*")|(->.*?(?=#|$))|(-?\b\d+[KMGkmg]?B?\b)|([^\s"#]+)|(\s+)/gu;

class Editor {
  constructor(textarea, behind, operations) {
    this.textarea = textarea;
    this.behind = behind;
    this.operations = new Set(operations);
    this.wrong = null;
    textarea.addEventListener("input", () => this.draw());
    textarea.addEventListener("scroll", () => this.follow());
    new ResizeObserver(() => this.follow()).observe(textarea);
  }

  get text() {
    return this.textarea.value;
  }

  set text(text) {
    this.textarea.value = text;
    this.draw();
  }

  /* The line with the error, counted from 1; null: there is none. */
  mark(line) {
    this.wrong = line;
    this.draw();
  }

  draw() {
    const json = this.text.trimStart().startsWith("{");
    this.behind.replaceChildren(
      ...this.text.split("\n").map((line, number) => element("span", { class: `s-line${number + 1 === this.wrong ? " is-wrong" : ""}` }, json ? line : this.coloured(line))),
    );
    this.follow();
  }

  coloured(line) {
    const isHead = /^\s*(pool|cgroup|id|source)\b/.test(line);
    return [...line.matchAll(SIGNS)].map(([text, comment, , expected, number]) => {
      if (comment) return element("span", { class: "s-comment" }, text);
      if (expected) return element("span", { class: "s-expect" }, text);
      if (isHead) return element("span", { class: "s-head" }, text);
      if (number) return element("span", { class: "s-number" }, text);
      return this.operations.has(text) ? element("span", { class: "s-op" }, text) : text;
    });
  }

  follow() {
    this.behind.scrollTop = this.textarea.scrollTop;
    this.behind.scrollLeft = this.textarea.scrollLeft;
  }
}
