"use strict";
// Draws the report from the data block. Everything goes in as text, never as markup.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const SVG = "http://www.w3.org/2000/svg";
  const LIMIT = 20000, CHUNK = 50, FIRST = 300;
  const put = (node, attributes, children) => {
    for (const [k, v] of Object.entries(attributes ?? {})) if (v !== null && v !== undefined && v !== false) node.setAttribute(k, v === true ? "" : String(v));
    for (const c of children) if (c !== null && c !== undefined) node.append(c);
    return node;
  };
  const el = (name, attributes, ...children) => put(document.createElement(name), attributes, children);
  const svg = (name, attributes, ...children) => put(document.createElementNS(SVG, name), attributes, children);
  const minute = (t) => (t ? t.slice(0, 16).replace("T", " ") : "–");
  const day = (t) => (t ? t.slice(0, 10) : "–");
  const span = (s) => (s === null ? "–" : s < 3600 ? `${Math.round(s / 60)} min` : s < 172800 ? `${Math.round(s / 360) / 10} h` : `${Math.round(s / 8640) / 10} d`);
  const text = (v) => (v === null || v === undefined || v === "" ? "–" : Array.isArray(v) ? v.join(", ") || "–" : String(v));

  // A column: heading, what it shows, what it sorts by, class of its cell.
  const col = (title, show, sort, cls) => ({ title, show, sort: sort ?? show, cls });
  const alertCol = col("Attention", (r) => r.alert ?? "", null, "flag");
  const age = (r) => {
    const part = Math.max(0, Math.min(1, r.ageDays / r.maxAgeDays));
    return el("span", {}, `${r.ageDays} of ${r.maxAgeDays} days`, svg("svg", { width: 110, height: 8, viewBox: "0 0 110 8", "aria-hidden": "true" }, svg("rect", { class: "base", x: .5, y: .5, width: 109, height: 7, rx: 2 }), svg("rect", { class: r.ageDays > r.maxAgeDays ? "late" : "run", x: .5, y: .5, width: 109 * part, height: 7, rx: 2 })));
  };
  const sections = [
    { id: "credentials", title: "Credentials by age and due date", rows: data.credentials, date: null, sort: 4, columns: [
      col("Env", (r) => r.environment), col("Credential", (r) => r.path, null, "code"), col("Class", (r) => r.class + (r.mode ? `, ${r.mode}` : "")), col("Issued", (r) => r.issuedAt, null, "when"), col("Due", (r) => r.dueAt, null, "when"),
      col("Age", age, (r) => r.ageDays / r.maxAgeDays), col("Reason", (r) => r.reason), col("Sealed by", (r) => r.sealedBy), col("Opens it in git now", (r) => text(r.opens)), alertCol] },
    { id: "changes", title: "Timeline of changes", rows: data.changes, date: "at", kinds: true, columns: [
      col("When (UTC)", (r) => minute(r.at), (r) => r.at, "when"), col("Env", (r) => text(r.environment)), col("Kind", (r) => r.kind), col("What", (r) => r.path, null, "code"), col("Change", (r) => r.change), col("Who", (r) => r.who),
      col("Review", (r) => `${r.review}${r.claimed.length ? `; Reviewed-by ${r.claimed.join(", ")} (claimed)` : ""}; policies: ${r.policy ?? "verdict unknown"}${r.deployed === null ? "" : `; deployed: ${r.deployed}`}`), col("Commit", (r) => `${r.commit} ${r.signature}`), alertCol] },
    { id: "people", title: "People, machines and recipients", rows: data.people, date: null, envs: (r) => r.opens.map((o) => o.split(" ")[0]), columns: [
      col("Name", (r) => r.name), col("What", (r) => r.what), col("Role", (r) => text(r.role)), col("Tiers", (r) => text(r.tiers)), col("Active", (r) => (r.active ? "yes" : r.until ? `until ${r.until}` : "no")), col("Opens in git", (r) => text(r.opens)),
      col("2nd factor", (r) => text(r.secondFactor), null, "when"), col("Last use in git", (r) => day(r.lastUse), null, "when"), alertCol] },
    { id: "held", title: "Who could open what, and when", rows: data.held, date: "from", end: "until", note: "By the recipients of the sealed files in every commit that HEAD reaches, at the committers' own time. Whoever could open a file may have kept what stood in it.", columns: [
      col("Env", (r) => r.environment), col("Class", (r) => r.class), col("Who", (r) => r.name), col("From (UTC)", (r) => minute(r.from), null, "when"), col("Until", (r) => (r.until ? minute(r.until) : "now"), (r) => r.until ?? "9", "when"), col("Values", (r) => r.values, null, "num"), col("Recipient", (r) => r.recipient, null, "code"), alertCol] },
    { id: "rotations", title: "Rotations and overlaps", rows: data.rotations, date: "openedAt", end: "closedAt", picture: rotationPicture, columns: [
      col("Env", (r) => r.environment), col("Credential", (r) => r.path, null, "code"), col("Reason", (r) => r.reason), col("State", (r) => r.state), col("Opened (UTC)", (r) => minute(r.openedAt), null, "when"), col("Promoted", (r) => minute(r.promotedAt), null, "when"), col("Old one ended", (r) => minute(r.revokedAt), null, "when"),
      col("Overlap", (r) => span(r.overlapSeconds), (r) => r.overlapSeconds ?? -1), col("By", (r) => r.actor + (r.approver ? `, attested by ${r.approver}` : "")), alertCol] },
    { id: "exceptions", title: "Exceptions", rows: data.exceptions, date: null, columns: [
      col("Env", (r) => text(r.environment)), col("Rule", (r) => r.rule, null, "code"), col("Place", (r) => r.place, null, "code"), col("Owner", (r) => r.owner), col("Expires", (r) => r.expires, null, "when"), col("Why", (r) => r.reason), col("Reviewed at", (r) => r.link), alertCol] },
    { id: "exposures", title: "Exposures", rows: data.exposures, date: null, columns: [
      col("Env", (r) => r.environment), col("Credential", (r) => r.path, null, "code"), col("Class", (r) => r.class), col("Known to", (r) => r.subject), col("Because of", (r) => r.reason), col("Since", (r) => r.on, null, "when"), col("Due", (r) => r.due, null, "when"), col("State", (r) => r.state), col("Why still open", (r) => text(r.why)), alertCol] },
  ];
  for (const s of sections) {
    const own = s.columns.filter((c) => c.title !== "Age");
    s.items = s.rows.map((r) => ({ r, words: `${own.map((c) => c.show(r)).join(" ")} ${r.author ?? ""} ${r.committer ?? ""} ${r.kind ?? ""} ${r.rotation ?? ""} ${r.list ?? ""}`.toLowerCase() }));
    s.order = s.sort === undefined ? null : { column: s.sort, down: false };
  }

  // Filters: one row for the whole page.
  const unique = (list) => [...new Set(list)].filter((x) => x !== null && x !== undefined).sort();
  const option = (value, label) => el("option", { value }, label);
  const select = (id, label, values, all) => el("label", {}, label, el("select", { id }, option("", all), ...values.map((v) => option(v, v))));
  const filters = el("form", { class: "filters", role: "search", "aria-label": "Filter the report" },
    el("label", {}, "Search (press /)", el("input", { type: "search", id: "search", autocomplete: "off", spellcheck: "false" })),
    select("env", "Environment", unique(data.report.environments), "all"), select("kind", "Kind of change", unique(data.changes.map((c) => c.kind)), "all"),
    el("label", {}, "From", el("input", { type: "date", id: "from" })), el("label", {}, "Until", el("input", { type: "date", id: "until" })),
    el("label", { class: "check" }, el("input", { type: "checkbox", id: "look" }), "Only what needs attention"), el("button", { type: "reset" }, "Clear"));
  const by = (id) => filters.querySelector(`#${id}`);
  const wanted = () => ({ words: by("search").value.toLowerCase().split(/\s+/).filter(Boolean), env: by("env").value, kind: by("kind").value, from: by("from").value, until: by("until").value, look: by("look").checked });
  const matches = (s, { r, words }, f) => {
    if (f.look && !r.alert) return false;
    if (f.env && !(s.envs ? s.envs(r).includes(f.env) : r.environment === f.env)) return false;
    if (s.kinds && f.kind && r.kind !== f.kind) return false;
    if (s.date) {
      if (f.until && r[s.date].slice(0, 10) > f.until) return false;
      if (f.from && (s.end ? r[s.end] ?? "9999" : r[s.date]).slice(0, 10) < f.from) return false;
    }
    return f.words.every((w) => words.includes(w));
  };

  // A list: rows in chunks that the browser skips while they are out of sight, so that finding in the page and printing still see all of them.
  const rowOf = (s, r, n) => el("div", { class: r.alert ? "row alert" : "row", role: "row", "aria-rowindex": n + 2 }, ...s.columns.map((c) => el("div", { role: "cell", class: c.cls }, (() => { const v = c.show(r); return v instanceof Node ? v : String(v); })())));
  const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  function fill(s) {
    const f = wanted();
    let items = s.items.filter((i) => matches(s, i, f));
    if (s.order) {
      const key = s.columns[s.order.column].sort;
      items = [...items].sort((a, b) => (s.order.down ? -1 : 1) * compare(key(a.r), key(b.r)));
    }
    s.shown = items;
    s.count.textContent = items.length === s.items.length ? `${items.length}` : `${items.length} of ${s.items.length}`;
    s.grid.setAttribute("aria-rowcount", String(items.length + 1));
    s.columns.forEach((c, n) => { s.heads[n].setAttribute("aria-sort", s.order?.column === n ? (s.order.down ? "descending" : "ascending") : "none"); s.heads[n].firstChild.lastChild.textContent = s.order?.column === n ? (s.order.down ? " ↓" : " ↑") : ""; });
    while (s.grid.children.length > 1) s.grid.lastChild.remove();
    s.scroll.scrollTop = 0;
    s.grid.classList.toggle("long", items.length > FIRST);
    s.none.hidden = items.length > 0;
    s.scroll.hidden = items.length === 0;
    s.more.textContent = items.length > LIMIT ? `The first ${LIMIT} are shown: narrow the filter to see the others.` : "";
    const turn = (s.turn = (s.turn ?? 0) + 1);
    const end = Math.min(items.length, LIMIT);
    const slice = (at, size) => {
      if (turn !== s.turn) return;
      const to = Math.min(end, at + size);
      for (let n = at; n < to; n += CHUNK) {
        const chunk = el("div", { role: "rowgroup", class: "chunk" }, ...items.slice(n, Math.min(n + CHUNK, to)).map((i, k) => rowOf(s, i.r, n + k)));
        chunk.style.containIntrinsicSize = `auto ${chunk.children.length * 42}px`;
        s.grid.append(chunk);
      }
      if (to < end) setTimeout(slice, 0, to, 1000);
      else s.grid.dataset.rows = String(end);
    };
    delete s.grid.dataset.rows;
    slice(0, FIRST);
    if (s.picture) s.pictureBox.replaceChildren(...s.picture(items.map((i) => i.r)));
  }
  function build(s) {
    s.count = el("span", { class: "count", role: "status", "aria-label": `${s.title}, shown` });
    s.heads = s.columns.map((c, n) => {
      const b = el("button", { type: "button" }, c.title, el("span", { "aria-hidden": "true" }));
      b.addEventListener("click", () => { s.order = s.order?.column === n && s.order.down ? null : { column: n, down: s.order?.column === n }; fill(s); });
      return el("div", { role: "columnheader", "aria-sort": "none" }, b);
    });
    s.grid = el("div", { class: "grid", role: "table", "aria-label": s.title, "aria-colcount": s.columns.length }, el("div", { role: "rowgroup", class: "top" }, el("div", { class: "row", role: "row", "aria-rowindex": 1 }, ...s.heads)));
    s.scroll = el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": `${s.title}: list` }, s.grid);
    s.none = el("p", { class: "none", hidden: true }, s.items.length ? "Nothing fits the filter." : "None.");
    s.more = el("p", { class: "note more" });
    s.pictureBox = s.picture ? el("div", {}) : null;
    return el("section", { id: s.id, "aria-labelledby": `${s.id}-title` }, el("div", { class: "head" }, el("h2", { id: `${s.id}-title` }, s.title), s.count), s.note ? el("p", { class: "note" }, s.note) : null, s.pictureBox, s.scroll, s.none, s.more);
  }

  // Rotations over time: a bar each from opened to closed; where old and new lived side by side it is marked.
  function rotationPicture(rows) {
    if (rows.length === 0) return [];
    const shown = [...rows].sort((a, b) => compare(a.openedAt, b.openedAt)).slice(-200);
    const now = Date.parse(data.report.at), at = (t) => (t ? Date.parse(t) : now);
    const first = Math.min(...shown.map((r) => at(r.openedAt))), last = Math.max(now, ...shown.map((r) => at(r.closedAt)));
    const wide = 1200, left = 300, room = wide - left - 20, line = 22, top = 26, high = top + shown.length * line + 8;
    const x = (t) => left + ((t - first) / Math.max(1, last - first)) * room;
    const ticks = [0, .25, .5, .75, 1].map((p) => first + p * (last - first));
    const cut = (t, n) => (t.length > n ? `${t.slice(0, n - 1)}…` : t);
    const bar = (from, to, y, cls, h) => svg("rect", { class: cls, x: x(from), y, width: Math.max(3, x(to) - x(from)), height: h, rx: 2 });
    const words = `${shown.length} rotations from ${new Date(first).toISOString().slice(0, 10)} to ${new Date(last).toISOString().slice(0, 10)}; the list below has the same facts as text`;
    const drawing = svg("svg", { viewBox: `0 0 ${wide} ${high}`, role: "img", "aria-label": words },
      ...ticks.map((t, n) => svg("g", {}, svg("line", { class: "axis", x1: x(t), x2: x(t), y1: top - 6, y2: high }), svg("text", { class: "axis-text", x: x(t), y: 14, "text-anchor": n === 0 ? "start" : n === 4 ? "end" : "middle" }, new Date(t).toISOString().slice(0, last - first < 3 * 864e5 ? 16 : 10).replace("T", " ")))),
      svg("line", { class: "today", x1: x(now), x2: x(now), y1: top - 6, y2: high }),
      ...shown.map((r, n) => {
        const y = top + n * line;
        return svg("g", {}, svg("title", {}, `${r.environment} ${r.path}, ${r.reason}, ${r.state}: ${minute(r.openedAt)} to ${minute(r.closedAt)}, overlap ${span(r.overlapSeconds)}`), svg("text", { x: left - 10, y: y + 12, "text-anchor": "end" }, cut(`${r.environment} ${r.path}`, 44)),
          bar(at(r.openedAt), at(r.closedAt), y + 4, "run", 9), r.stagedAt ? bar(at(r.stagedAt), at(r.revokedAt ?? r.closedAt), y + 2, "both", 13) : null);
      }));
    const sample = (cls) => svg("svg", { width: 14, height: 10, "aria-hidden": "true" }, svg("rect", { class: cls, width: 14, height: 10, rx: 2 }));
    return [el("ul", { class: "key" }, el("li", {}, sample("run"), "opened to closed"), el("li", {}, sample("both"), "old and new credential both alive"), el("li", {}, svg("svg", { width: 14, height: 10, "aria-hidden": "true" }, svg("line", { class: "today", x1: 7, x2: 7, y1: 0, y2: 10 })), "day of this report"), rows.length > shown.length ? el("li", {}, `the last ${shown.length} of ${rows.length}`) : null),
      el("div", { class: "scroll picture", tabindex: 0, role: "region", "aria-label": "Rotations and overlaps: picture" }, drawing)];
  }
  // The matrix: what roles may do, by the access matrix itself.
  function matrix() {
    const roles = [...new Set(data.matrix.map((m) => m.role))], tiers = [...new Set(data.matrix.map((m) => m.tier))].filter((t) => t !== "local"), classes = [...new Set(data.matrix.map((m) => m.class))];
    const verbs = new Map(data.matrix.map((m) => [`${m.role} ${m.tier} ${m.class}`, m.verbs]));
    const cell = (v) => el("td", { class: v.length === 7 ? "all" : null }, v.length === 7 ? "all" : v.join(", ") || "–");
    return el("section", { id: "matrix", "aria-labelledby": "matrix-title" }, el("div", { class: "head" }, el("h2", { id: "matrix-title" }, "Access matrix")),
      el("p", { class: "note" }, "open: decrypt the sealed file in git; seal: change it; read, write, list, delete: the value in the run-time store; permit: change who may do any of these."),
      el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Access matrix: table" }, el("table", {}, el("thead", {},
        el("tr", {}, el("th", { scope: "col", rowspan: 2 }, "Role"), ...tiers.map((t) => el("th", { scope: "colgroup", colspan: classes.length }, t))), el("tr", {}, ...tiers.flatMap(() => classes.map((c) => el("th", { scope: "col" }, c))))),
        el("tbody", {}, ...roles.map((r) => el("tr", {}, el("th", { scope: "row" }, r), ...tiers.flatMap((t) => classes.map((c) => cell(verbs.get(`${r} ${t} ${c}`) ?? [])))))))));
  }

  const main = document.getElementById("main");
  const r = data.report;
  document.getElementById("about").textContent = `Made ${minute(r.at)} UTC from commit ${r.head.slice(0, 12)}; environments ${r.environments.join(", ") || "none"}; ${r.since ? `from ${day(r.since)}` : "from the first commit"} ${r.until ? `to ${day(r.until)}` : "to the last"}. It holds no secret values.`;
  const look = (rows, test) => rows.filter(test ?? ((x) => x.alert)).length;
  const tile = (id, n, label, bad) => el("li", {}, el("a", { href: `#${id}`, class: bad && n > 0 ? "bad" : null }, el("b", {}, String(n)), el("span", {}, label)));
  const parts = sections.map(build);
  parts.splice(2, 0, matrix());
  main.replaceChildren(...[
    r.gaps.length ? el("div", { class: "gaps", role: "note" }, el("strong", {}, "Not everything could be read:"), el("ul", {}, ...r.gaps.map((g) => el("li", {}, g)))) : null,
    el("nav", { "aria-label": "Summary" }, el("ul", { class: "tiles" }, tile("credentials", look(data.credentials, (c) => c.alert?.startsWith("overdue")), "credentials overdue", true), tile("credentials", data.credentials.length, "credentials"), tile("changes", data.changes.length, "changes"), tile("people", look(data.people), "orphans and unused access", true),
      tile("held", data.held.length, "periods of access"), tile("rotations", look(data.rotations, (x) => x.state === "open"), "rotations open", true), tile("exceptions", data.exceptions.length, "exceptions in force", true), tile("exposures", look(data.exposures, (x) => x.state === "open"), "exposures open", true))),
    filters, ...parts].filter(Boolean));
  const all = () => { for (const s of sections) fill(s); };
  let timer;
  filters.addEventListener("submit", (e) => { e.preventDefault(); });
  filters.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(all, 120); });
  filters.addEventListener("reset", () => { setTimeout(all, 0); });
  document.addEventListener("keydown", (e) => {
    if (e.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName)) { e.preventDefault(); by("search").focus(); }
    else if (e.key === "Escape" && e.target.id === "search") { by("search").value = ""; all(); }
  });
  all();
})();
