/* A page that holds its films: which one is shown, the address, and the colours. */

function startPage() {
  const data = JSON.parse(document.getElementById("films").textContent);
  const chooser = document.getElementById("chooser");
  const asked = new URLSearchParams(location.hash.slice(1));
  const number = (name) => (/^\d+$/.test(asked.get(name) || "") ? Number(asked.get(name)) : undefined);
  const start = { run: Math.min(number("run") ?? 0, data.runs.length - 1), step: number("step") };
  const title = (run) => {
    const [heading, ...rest] = (data.runs[run].title || data.runs[run].name).split(/\n\s*\n/);
    document.getElementById("title").textContent = heading;
    document.getElementById("about").textContent = data.runs[run].about;
    document.getElementById("intro").replaceChildren(...rest.map((text) => element("p", {}, text)));
  };
  const address = (run, step) => history.replaceState(null, "", `#${run ? `run=${run}&` : ""}step=${step}`);
  title(start.run);
  document.getElementById("legend").append(...legend(data.states));
  const films = showFilms(document.getElementById("place"), data, start, address);
  if (chooser) {
    chooser.value = String(start.run);
    chooser.addEventListener("change", () => {
      title(Number(chooser.value));
      films.open(Number(chooser.value));
    });
  }
}

function startColours() {
  const button = document.getElementById("colours");
  const order = ["auto", "light", "dark"];
  let now = 0;
  button.addEventListener("click", () => {
    now = (now + 1) % order.length;
    document.documentElement.dataset.theme = order[now];
    button.textContent = `colours: ${order[now]}`;
  });
}

/* What the signs mean. */
function legend(states) {
  const names = states.map(({ name }) => name);
  const sample = (state, shared, more = {}) => strip({ runs: [[0, 1, states.indexOf(state)]], shared, states: names, width: 22, label: state.words, ...more });
  const item = (picture, text) => element("li", {}, picture, element("span", {}, text));
  const one = states.find(({ name }) => name === "present");
  return [
    element("h2", {}, "What the signs mean"),
    element(
      "ul",
      {},
      states.map((state) => item(sample(state, false), state.words)),
      item(sample(one, true), "round: shared"),
      item(sample(one, false, { several: [[0, 1]] }), "another process has the same page until one of them writes"),
      item(sample(one, false, { changed: [[0, 1]] }), "changed by the step"),
      item(sample(one, false, { regions: [[0, 1]] }), "in the reservation map: used up (private), or reserved (shared)"),
      item(sample(one, false, { vmas: [{ from: 0, to: 1, prot: "rw", flags: [] }] }), "a VMA"),
    ),
    element("p", { class: "keys" }, "Keys: ", ...[["←", "→"], ["Home", "End"], ["Page Up", "Page Down"], ["n", "next that is wrong"], ["space", "play"]].flatMap(([first, second]) => [element("kbd", {}, first), " ", second.length > 4 && second !== "Page Down" ? second : element("kbd", {}, second), "  "])),
  ];
}
