"use strict";
// What of the streams is shown, by the address of the page: `?view=grid` (a lamp each), `?view=details` (a panel each),
// `?stream=NAME` (one lamp, as large as the screen). And the title and icon of the tab.

// From so many streams on, the grid is the view of an address without one.
const GRID_FROM = 3;
// Size of a lamp's word as a share of its tile, as in style.css.
const WORD_WIDTH = 0.19, WORD_HEIGHT = 0.3;
const TILE_MIN_REM = 9.5;
// With the gap to the next row; and the space around all rows that is not such a gap.
const ROW_MIN_REM = 9, AROUND_REM = 0.8;
const ICON_COLOURS = { yes: "#ff7a1a", no: "#8a8780", problem: "#d0021b", lost: "#d0021b", unknown: "#8a8780" };

const query = new URLSearchParams(location.search);
const chosenStream = query.get("stream");
const chosenView = query.get("view");

// The page's address with another choice.
function addressOf(choice) {
  return "?" + new URLSearchParams(choice);
}

function showView(streams) {
  const view = chosenStream !== null ? "lamp"
    : ["grid", "details"].includes(chosenView) ? chosenView
    : streams.size >= GRID_FROM ? "grid" : "details";
  document.body.dataset.view = view;
  for (const name of ["grid", "details"]) {
    const link = document.getElementById(name);
    link.href = addressOf({ view: name });
    if (view === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  for (const one of streams.values()) one.panel.hidden = view === "lamp" && one.name !== chosenStream;
  layGrid(view === "lamp" ? 1 : streams.size);
  const unknown = document.getElementById("unknown");
  unknown.hidden = view !== "lamp" || streams.size === 0 || streams.has(chosenStream);
  if (!unknown.hidden) set(unknown, `no stream is named ${chosenStream}; there are ${[...streams.keys()].join(", ")}`);
}

// As many columns as make the words largest without scrolling, where that is possible.
function layGrid(count) {
  const main = document.getElementById("streams");
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  const most = Math.max(1, Math.floor(main.clientWidth / (TILE_MIN_REM * rem)));
  let [best, score] = [1, -Infinity];
  for (let columns = 1; columns <= Math.min(most, count); columns++) {
    const height = (main.clientHeight - AROUND_REM * rem) / Math.ceil(count / columns);
    const word = Math.min(WORD_WIDTH * main.clientWidth / columns, WORD_HEIGHT * height);
    const scrolls = height < ROW_MIN_REM * rem;
    const own = word - (scrolls ? main.clientWidth : 0);
    if (own > score) [best, score] = [columns, own];
  }
  main.style.setProperty("--columns", best);
}

// The tab says what the lamps say; a problem comes first.
function showTab(streams, live) {
  const shown = [...streams.values()].filter((one) => chosenStream === null || one.name === chosenStream);
  const short = (one) => one.find("h2 a").textContent;
  const of = (look) => shown.filter((one) => one.look === look);
  const look = !live ? "lost" : ["problem", "lost", "yes", "no"].find((look) => of(look).length) || "unknown";
  const names = of(look).map(short).join(", ");
  const words = {
    lost: live ? `✕ not live: ${names}` : "✕ not live", problem: "⚠ " + names, yes: "● " + names, no: "○ no voice", unknown: "",
  }[look];
  document.title = words ? words + " – vocald" : "vocald";
  const filled = look === "yes" || look === "problem" || look === "lost";
  const mark = look === "lost" || look === "problem"
    ? "<path d='M5 5l6 6M11 5l-6 6' stroke='white' stroke-width='2'/>" : "";
  const svg = `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><circle cx='8' cy='8' r='6' `
    + `fill='${filled ? ICON_COLOURS[look] : "none"}' stroke='${ICON_COLOURS[look]}' stroke-width='2'/>${mark}</svg>`;
  document.querySelector("link[rel=icon]").href = "data:image/svg+xml," + encodeURIComponent(svg);
}
