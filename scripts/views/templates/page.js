"use strict";
// Without this script every remedy stands below the other. With it one is shown at a time, and the
// hash says which, and with which filters: #fix-09?driver=motor&verdict=all
const all = (query) => [...document.querySelectorAll(query)];
const form = document.getElementById("filters");
const rows = all(".list [data-side]");
const panels = new Map(all(".panel").map((panel) => [panel.id, panel]));
const ends = ["previous", "next"].map((id) => document.getElementById(id));
const before = all("#story > figure.whichloop")[0]?.cloneNode(true);
let current = document.querySelector(".list .recommended").dataset.side;

const shown = () => rows.filter((row) => !row.hidden).map((row) => row.dataset.side);
const filters = () => {
  const chosen = [...new FormData(form)].filter(([, value]) => value);
  return chosen.length ? "?" + new URLSearchParams(chosen) : "";
};
const nameOf = (id) => id && panels.get(id).querySelector(".kicker").textContent;

function filter(query) {
  for (const select of form.querySelectorAll("select")) {
    select.value = query.get(select.name) ?? "";
    if (select.selectedIndex < 0) select.value = "";
  }
  const { driver, verdict, source } = Object.fromEntries(new FormData(form));
  for (const row of rows) {
    const amount = row.dataset[driver || "overall"];
    const fits = verdict ? amount === verdict : !driver || amount !== "none";
    row.hidden = !fits || (source && !row.dataset.source.split("|").includes(source));
  }
  const left = shown();
  for (const cell of all(".matrix thead [data-side]")) {
    const hidden = !left.includes(cell.dataset.side);
    for (const row of all(".matrix tr")) row.cells[cell.cellIndex].hidden = hidden;
  }
  document.getElementById("shown").textContent = `${left.length} of ${rows.length}`;
}

function show(id) {
  current = id;
  for (const [other, panel] of panels) panel.hidden = other !== id;
  const place = panels.get(id).querySelector(".before");
  if (place && before) place.replaceChildren(before);
  const left = shown(), at = left.indexOf(id);
  document.getElementById("position").textContent =
    at < 0 ? nameOf(id) : `${nameOf(id)}, ${at + 1} of ${left.length}`;
  [left[at - 1], left[at + 1]].forEach((other, which) => {
    ends[which].disabled = !other;
    ends[which].querySelector("span").textContent = nameOf(other) ?? "";
    ends[which].ariaLabel = nameOf(other) ?? ends[which].id;
    ends[which].value = other ?? "";
  });
}

function follow() {
  const [id, query] = location.hash.slice(1).split("?");
  filter(new URLSearchParams(query));
  show(panels.has(id) ? id : current);
  const target = document.getElementById(id);
  if (!target) return;
  target.scrollIntoView();
  if (panels.has(id)) target.querySelector("h3").focus({ preventScroll: true });
}

const step = (id) => { if (id) location.hash = id + filters(); };
for (const button of ends) button.addEventListener("click", () => step(button.value));
addEventListener("keydown", (event) => {
  const which = ["ArrowLeft", "ArrowRight"].indexOf(event.key);
  const busy = event.target.closest("select, .scroll, pre, figure");
  if (which < 0 || busy || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  step(ends[which].value);
});
form.addEventListener("change", () => { location.hash = "remedies" + filters(); });
// A link to another remedy keeps the filters.
document.addEventListener("click", (event) => {
  const id = event.target.closest("a[href^='#']")?.hash.slice(1);
  if (panels.has(id)) { event.preventDefault(); step(id); }
});
addEventListener("hashchange", follow);
form.hidden = document.querySelector(".stepper").hidden = false;
follow();
