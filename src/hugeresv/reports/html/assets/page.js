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
  const hasAddress = location.protocol !== "about:";
  const address = (run, step) => hasAddress && history.replaceState(null, "", `#${run ? `run=${run}&` : ""}step=${step}`);
  title(start.run);
  document.getElementById("legend").append(...legend(data.states));
  const films = new Films(document.getElementById("place"), address);
  films.show(data, start);
  if (chooser) {
    chooser.value = String(start.run);
    chooser.addEventListener("change", () => {
      title(Number(chooser.value));
      films.open(Number(chooser.value));
    });
  }
}
