"use strict";
(() => {
  const told = JSON.parse(document.getElementById("told").textContent);
  const say = told.words, rows = told.rows, PAGE = 50;
  const number = new Intl.NumberFormat(told.language, { maximumFractionDigits: 0 });
  const percent = new Intl.NumberFormat(told.language, { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const whole = new Intl.NumberFormat(told.language, { style: "percent" });
  const exact = new Intl.NumberFormat(told.language, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const one = (id) => document.getElementById(id);
  const state = new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");
  const slider = one("threshold"), search = one("search");
  if (slider && state.has("t")) slider.value = state.get("t");
  if (search && state.has("q")) search.value = state.get("q");
  let at = 0, column = 1, up = false, order = [], texts = null;

  const cell = (name, text) => { const made = document.createElement(name); made.textContent = text; return made; };
  const drivers = (n) => rows.why[n].map((each) => told.drivers[each]).join(say.comma);
  const value = [
    (n) => rows.id[n], (n) => rows.chance[n], (n) => told.stages[rows.stage[n]], drivers,
    (n) => told.deeds[rows.deed[n]], (n) => rows.stake[n], (n) => rows.gain[n],
  ];

  const threshold = () => (slider ? Number(slider.value) : 0);

  function choose() {
    const least = threshold() * 10, words = search.value.trim().toLocaleLowerCase(told.language).split(/\s+/).filter(Boolean);
    if (words.length && !texts) {
      texts = rows.id.map((id, n) => [id, drivers(n), rows.said[n], value[2](n), value[4](n)].join(" ").toLocaleLowerCase(told.language));
    }
    order = [];
    for (let n = 0; n < rows.id.length; n++) {
      if (rows.chance[n] >= least && words.every((word) => texts[n].includes(word))) order.push(n);
    }
    const of = value[column], textual = [0, 2, 3, 4].includes(column);
    const compare = new Intl.Collator(told.language, { numeric: true }).compare;
    order.sort((a, b) => (textual ? compare(of(a), of(b)) : of(a) - of(b)) * (up ? 1 : -1) || a - b);
    at = 0;
    show();
  }

  function show() {
    const body = document.querySelector("#people tbody"), made = document.createDocumentFragment();
    for (const n of order.slice(at * PAGE, (at + 1) * PAGE)) {
      const row = document.createElement("tr"), who = cell("th", rows.id[n]), why = cell("td", drivers(n));
      who.scope = "row";
      if (rows.said[n]) { const more = cell("span", rows.said[n]); more.className = "reason"; why.append(more); }
      row.append(who, cell("td", percent.format(rows.chance[n] / 1000)), cell("td", value[2](n)), why,
        cell("td", value[4](n)), cell("td", number.format(rows.stake[n])), cell("td", rows.gain[n] ? exact.format(rows.gain[n]) : "–"));
      made.append(row);
    }
    body.replaceChildren(made);
    const pages = Math.max(1, Math.ceil(order.length / PAGE));
    one("found").textContent = `${number.format(order.length)} ${say.found}`;
    one("at-page").textContent = `${say.page} ${number.format(at + 1)} / ${number.format(pages)}`;
    one("back").disabled = at === 0;
    one("on").disabled = at + 1 >= pages;
    document.querySelectorAll("#people thead th").forEach((head, n) => {
      head.setAttribute("aria-sort", n !== column ? "none" : up ? "ascending" : "descending");
    });
  }

  function slide() {
    const share = threshold() / 100;
    one("threshold-told").textContent = whole.format(share);
    const near = told.thresholds.reduce((a, b) => (Math.abs(b.at - share) < Math.abs(a.at - share) ? b : a));
    const range = (each) => `${percent.format(each[0])} (${percent.format(each[1])}–${percent.format(each[2])})`;
    const means = { n: number.format(told.above[threshold()]), caught: range(near.caught), disturbed: range(near.disturbed), at: whole.format(near.at) };
    one("threshold-means").textContent = say.threshold_means.replace(/\{(\w+)\}/g, (_, name) => means[name]);
    slider.setAttribute("aria-valuetext", whole.format(share));
    const svg = document.querySelector("#threshold-picture svg");
    let mark = svg.querySelector(".now");
    if (!mark) { mark = document.createElementNS("http://www.w3.org/2000/svg", "path"); mark.setAttribute("class", "now"); svg.append(mark); }
    const [left, right, top, bottom] = svg.dataset.ends.split(" ").map(Number);
    mark.setAttribute("d", `M${left + (right - left) * share} ${top}V${bottom}`);
  }

  function remember() {
    const kept = new URLSearchParams();
    if (slider) kept.set("t", slider.value);
    if (search && search.value) kept.set("q", search.value);
    history.replaceState(null, "", `#${kept}`);
  }

  if (slider) {
    slide();
    slider.addEventListener("input", () => { slide(); if (search) choose(); });
    slider.addEventListener("change", remember);
  }
  if (!search) return;
  search.addEventListener("input", choose);
  search.addEventListener("change", remember);
  one("back").addEventListener("click", () => { at -= 1; show(); });
  one("on").addEventListener("click", () => { at += 1; show(); });
  document.querySelectorAll("#people thead button").forEach((button) => button.addEventListener("click", () => {
    const chosen = Number(button.dataset.column);
    up = chosen === column ? !up : [0, 2, 3, 4].includes(chosen);
    column = chosen;
    choose();
  }));
  choose();
})();
