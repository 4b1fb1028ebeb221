/* Live examples have the colours of the page around them, and each list of links a name of its own. */

function paint() {
  const scheme = document.body.getAttribute("data-md-color-scheme");
  const theme = scheme === "slate" ? "dark" : "light";
  for (const frame of document.querySelectorAll("iframe.live")) {
    frame.contentDocument?.documentElement?.setAttribute("data-theme", theme);
  }
}

new MutationObserver(paint).observe(document.body, { attributes: true, attributeFilter: ["data-md-color-scheme"] });
for (const frame of document.querySelectorAll("iframe.live")) frame.addEventListener("load", paint);
paint();
document.querySelectorAll("nav.md-nav").forEach((nav, number) => {
  const label = document.getElementById(nav.getAttribute("aria-labelledby"))?.textContent ?? nav.getAttribute("aria-label");
  nav.setAttribute("aria-label", `${label.trim()} ${number + 1}`);
  nav.removeAttribute("aria-labelledby");
});
