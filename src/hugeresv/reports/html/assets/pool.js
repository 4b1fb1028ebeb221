/* The pool as a bar, and what of its counters does not add up. */

function poolBar([total, free, rsvd, surp, more], before, size, name, other) {
  const used = total - free;
  const promised = Math.max(Math.min(rsvd, free), 0);
  const beyond = Math.max(rsvd - free, 0);
  const room = Math.max(total + beyond, 1);
  const part = (kind, pages, text, figure = String(pages)) =>
    pages > 0 &&
    element("div", { class: `part ${kind}`, style: `flex-grow:${pages}`, title: `${text}: ${plural(pages, "page")}` }, element("span", {}, figure));
  const label = `${name}: ${total} pages of ${size}; ${used} used, ${rsvd} promised, ${free} free, ${surp} surplus`;
  const bar = element(
    "div",
    { class: "bar", role: "img", "aria-label": label },
    part("used", used, "used"),
    part("promised", promised, "promised"),
    part("free", free - promised, "free and not promised"),
    part("beyond", beyond, "promised, but not there"),
    rsvd < 0 && part("debt", -rsvd, "withdrawn, but never promised", String(rsvd)),
    total + beyond === 0 && element("div", { class: "part none" }, element("span", {}, "no pages")),
  );
  const surplus = surp > 0 && element("div", { class: "surplus" }, element("div", { style: `width:${(100 * surp) / room}%`, title: plural(surp, "surplus page") }, element("span", {}, "surplus")));
  const wrapped = rsvd < 0 && element("p", { class: "wrapped" }, `resv_hugepages has wrapped: the kernel prints ${rsvd} as ${printed(rsvd)}`);
  return element("div", { class: "pool" }, bar, surplus, wrapped, figures([total, free, rsvd, surp, more], before, other));
}

const FIGURES = [
  ["total", "nr_hugepages", ([total]) => total],
  ["used", "taken out of the pool", ([total, free]) => total - free],
  ["free", "free_hugepages, promised or not", ([, free]) => free],
  ["rsvd", "resv_hugepages: promised, not handed out", ([, , rsvd]) => rsvd],
  ["available", "free and not promised", ([, free, rsvd]) => free - rsvd],
  ["surp", "surplus_hugepages", ([, , , surp]) => surp],
];

/* `other`: the pool of the kernel beside it, where there is one. */
function figures(pool, before, other) {
  const list = element("dl", { class: "figures" });
  for (const [name, meaning, value] of FIGURES) {
    const now = value(pool);
    const was = before ? value(before) : now;
    const differs = other !== undefined && value(other) !== now;
    list.append(
      element(
        "div",
        { class: [now !== was && "is-changed", differs && "is-different", (now < 0 || (name === "available" && now > pool[1])) && "is-wrong"].filter(Boolean).join(" ") || null, title: meaning },
        element("dt", {}, name, differs && element("span", { class: "visually-hidden" }, " (differs)")),
        element("dd", { "data-counter": name }, String(now)),
        element("dd", { class: "delta" }, now !== was ? `${now > was ? "+" : "−"}${Math.abs(now - was)}` : "\u00a0"),
      ),
    );
  }
  if (pool[4]) list.append(element("div", { title: "nr_overcommit_hugepages: how many surplus pages there may be" }, element("dt", {}, "overcommit"), element("dd", {}, String(pool[4])), element("dd", { class: "delta" }, "\u00a0")));
  return list;
}

/* Who is promised how much, and the sum beside the counter; of a kernel whose memory is not read nothing is known. */
function promises(track, view, rsvd, size = "") {
  if (!track.inside) return null;
  const rows = [...thingsOf(track, view, "promise")].filter(([[, of]]) => of === size).sort((a, b) => b[1] - a[1]);
  const sum = rows.reduce((total, [, pages]) => total + pages, 0);
  if (!rows.length && rsvd === 0) return null;
  const most = Math.max(...rows.map(([, pages]) => pages), 1);
  const row = ([[holder], pages, before]) =>
    element(
      "tr",
      { class: pages !== before ? "is-changed" : null },
      element("th", { scope: "row" }, holder),
      element("td", { class: "meter" }, element("div", { style: `width:${(100 * pages) / most}%` })),
      element("td", {}, String(pages)),
    );
  const off = rsvd - sum;
  return section(
    size ? `Promises of ${size} pages` : "Promises",
    element(
      "table",
      { class: "promises" },
      element("tbody", {}, rows.slice(0, 40).map(row), rows.length > 40 && element("tr", {}, element("th", { scope: "row" }, `and ${rows.length - 40} more`), element("td"), element("td", {}, String(rows.slice(40).reduce((all, [, pages]) => all + pages, 0))))),
      element(
        "tfoot",
        {},
        element("tr", {}, element("th", { scope: "row" }, "all promises"), element("td"), element("td", {}, String(sum))),
        element("tr", { class: off ? "is-wrong" : null }, element("th", { scope: "row" }, "resv_hugepages"), element("td"), element("td", {}, String(rsvd))),
        off ? element("tr", { class: "is-wrong" }, element("th", { scope: "row" }, off > 0 ? "counted too many" : "counted too few"), element("td"), element("td", {}, String(Math.abs(off)))) : null,
      ),
    ),
  );
}

function section(title, ...children) {
  return element("section", {}, element("h3", {}, title), ...children);
}
