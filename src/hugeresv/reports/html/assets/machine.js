/* What holds pages and promises at a moment: processes with their mappings, files, mounts and cgroups. */

const MOST_ROWS = 40;

const isChanged = (now, before) => now !== before;

function tag(text, kind = "") {
  return element("span", { class: `tag ${kind}` }, text);
}

/* How many pages are in each state, in words. */
function counted(runs, states) {
  const counts = new Map();
  for (const [first, end, state] of runs) counts.set(state, (counts.get(state) || 0) + end - first);
  return [...counts].map(([state, pages]) => `${pages} ${states[state].words}`).join(", ") || "no pages";
}

function processes(track, view, width) {
  const found = new Map();
  for (const [[proc, name], vmas, before] of thingsOf(track, view, "mapping")) {
    if (!found.has(proc)) found.set(proc, []);
    found.get(proc).push({ proc, name, vmas, isChanged: isChanged(vmas, before) });
  }
  const attributes = new Map([...thingsOf(track, view, "process")].map(([[proc], value, before]) => [proc, { value, isNew: before === undefined }]));
  for (const proc of attributes.keys()) if (!found.has(proc)) found.set(proc, []);
  if (!found.size) return null;
  return section(
    "Processes and their mappings",
    [...found].slice(0, MOST_ROWS).map(([proc, mappings]) => {
      const { value, isNew } = attributes.get(proc) || {};
      return element(
        "article",
        { class: "process" },
        element("h4", {}, proc, value && value.cgroup && tag(`cgroup ${value.cgroup}`), isNew && tag("new", "changed")),
        mappings.length ? mappings.slice(0, MOST_ROWS).map((mapping) => mappingRow(track, view, mapping, width)) : element("p", { class: "empty" }, "no mapping"),
        mappings.length > MOST_ROWS && element("p", { class: "empty" }, `and ${mappings.length - MOST_ROWS} more mappings`),
      );
    }),
    found.size > MOST_ROWS && element("p", { class: "empty" }, `and ${found.size - MOST_ROWS} more processes`),
  );
}

function mappingRow(track, view, { proc, name, vmas, isChanged: changedVmas }, width) {
  const flat = valueOf(track, view.now, "pages", proc, name) || [];
  const before = valueOf(track, view.before, "pages", proc, name);
  const regions = valueOf(track, view.now, "regions", proc, name);
  const runs = runsOf(flat);
  const shared = vmas.some((vma) => vma.shared);
  const changed = changedPages(flat, before);
  const words = counted(runs, track.states);
  const kind = shared ? "shared" : "private";
  const placed = vmas.filter((vma) => vma.to !== undefined);
  const files = [...new Set(placed.map((vma) => vma.file).filter(Boolean))].filter((file) => file !== `memory of ${proc}.${name}`);
  const isNew = before === undefined;
  return element(
    "div",
    { class: "mapping" },
    element(
      "div",
      { class: "label" },
      element("b", {}, name),
      tag(kind),
      files.map((file) => tag(file)),
      isNew ? tag("new", "changed") : (changed.length > 0 || changedVmas) && tag("changed", "changed"),
      element("span", { class: "words" }, words),
    ),
    strip({
      runs,
      changed,
      shared,
      width,
      regions: pairs(regions || []),
      several: pairs(valueOf(track, view.now, "several", proc, name) || []),
      vmas: placed,
      states: track.states.map((state) => state.name),
      label: `${proc}.${name}, ${kind}: ${words}`,
    }),
    vmaLines(placed, changedVmas && !isNew),
  );
}

function vmaLines(vmas, changed) {
  if (!vmas.length) return null;
  const lines = vmas.slice(0, MOST_ROWS).map((vma) => {
    const said = [`pages ${vma.from}–${vma.to}`, vma.prot, ...vma.flags];
    if (vma.index) said.push(`file page ${vma.index}`);
    if (vma.count) said.push(`count ${vma.count}`);
    said.push(vma.shared ? "map of the file" : vma.refs ? `own map${vma.refs > 1 ? `, held by ${vma.refs} VMAs` : ""}` : "no map");
    return element("li", {}, said.join(" · "));
  });
  const list = element("ul", { class: "vmas" }, lines, vmas.length > MOST_ROWS && element("li", {}, `and ${vmas.length - MOST_ROWS} more`));
  if (vmas.length <= 3) return list;
  return element("details", { open: changed }, element("summary", {}, plural(vmas.length, "VMA")), list);
}

function files(track, view, width) {
  const rows = [...thingsOf(track, view, "file")];
  if (!rows.length) return null;
  return section("Files, segments and shared memory", rows.slice(0, MOST_ROWS).map((row) => fileRow(track, view, row, width)), rows.length > MOST_ROWS && element("p", { class: "empty" }, `and ${rows.length - MOST_ROWS} more`));
}

function fileRow(track, view, [[name], file, before], width) {
  const pagesIn = (values) => filePages(valueOf(track, values, "file", name).size, valueOf(track, values, "cached", name), valueOf(track, values, "reserved", name), track.states);
  const pages = pagesIn(view.now);
  const old = before ? pagesIn(view.before) : pages;
  const [cached, reserved] = [valueOf(track, view.now, "cached", name), valueOf(track, view.now, "reserved", name)];
  const changed = changedPages(pages, old);
  const runs = runsOf(pages);
  const words = counted(runs, track.states);
  return element(
    "div",
    { class: "mapping" },
    element(
      "div",
      { class: "label" },
      element("b", {}, name),
      file.mount && tag(`mount ${file.mount}`),
      file.users.length ? tag(`mapped by ${file.users.join(", ")}`) : tag("not mapped"),
      file.open ? tag("open") : null,
      (isChanged(file, before) || changed.length > 0) && tag(before === undefined ? "new" : "changed", "changed"),
      element("span", { class: "words" }, `${plural(file.size, "page")} long; ${words}`),
    ),
    pages.length > 0 && (cached.length > 0 || reserved.length > 0 || file.open > 0) &&
      strip({ runs, shared: true, width, changed, regions: pairs(reserved), states: track.states.map((state) => state.name), label: `${name}: ${words}` }),
  );
}

/* The pages of a file as those of a mapping: what is cached, else reserved, else neither. */
function filePages(size, cached, reserved, states) {
  const number = Object.fromEntries(states.map(({ name }, at) => [name, at]));
  const edges = [...new Set([0, size, ...cached, ...reserved])].sort((a, b) => a - b);
  const inside = (flat) => {
    let i = 0;
    return (page) => {
      while (i < flat.length && flat[i + 1] <= page) i += 2;
      return i < flat.length && flat[i] <= page;
    };
  };
  const isCached = inside(cached);
  const isReserved = inside(reserved);
  const flat = [];
  edges.slice(0, -1).forEach((edge, at) => {
    const state = number[isCached(edge) ? "present" : isReserved(edge) ? "reserved" : "unreserved"];
    const pages = edges[at + 1] - edge;
    if (flat.length && flat[flat.length - 2] === state) flat[flat.length - 1] += pages;
    else flat.push(state, pages);
  });
  return flat;
}

function gauge(text, used, limit) {
  const share = limit ? Math.min((100 * used) / limit, 100) : 0;
  return element(
    "div",
    { class: `gauge${limit != null && used >= limit ? " is-full" : ""}` },
    element("span", {}, text),
    element("div", { class: "track" }, element("div", { style: `width:${share}%` })),
    element("span", { class: "number" }, limit == null ? `${used}, no limit` : `${used} of ${limit}`),
  );
}

function cgroups(track, view) {
  const rows = [...thingsOf(track, view, "cgroup")];
  return (
    rows.length > 0 &&
    section(
      "Cgroups",
      rows.map(([[name, size], group, before]) =>
        element(
          "article",
          { class: "limits" },
          element("h4", {}, name, size && tag(size), group.parent && tag(`in ${group.parent}`), isChanged(group, before) && before && tag("changed", "changed")),
          gauge("in use", group.usage, group.max),
          gauge("reserved", group.rsvd, group.rsvd_max),
        ),
      ),
    )
  );
}

function mounts(track, view) {
  const rows = [...thingsOf(track, view, "mount")].filter(([, mount]) => mount.blocks !== undefined || mount.min != null || mount.max != null);
  return (
    rows.length > 0 &&
    section(
      "Mounts with limits",
      rows.map(([[name], mount, before]) => {
        const most = mount.max ?? mount.blocks;
        return element(
          "article",
          { class: "limits" },
          element("h4", {}, name, isChanged(mount, before) && before && tag("changed", "changed")),
          most != null && mount.bfree !== undefined && gauge("used or reserved", most - mount.bfree, most),
          mount.min != null && gauge("minimum still in reserve", mount.reserve, mount.min),
        );
      }),
    )
  );
}
