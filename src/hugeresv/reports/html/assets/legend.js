/* What is around the films of a page: the choice of colours, and what the signs mean. */

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
