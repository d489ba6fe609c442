"use strict";
// The page: one WebSocket, which feeds the streams.

// After this time without a message the connection counts as broken.
const SILENCE_MS = 5000;
const RETRY_MS = [250, 500, 1000, 2000, 4000];

const streams = new Map();
const link = document.getElementById("link");
const main = document.getElementById("streams");
let socket = null;
let attempts = 0;
let missed = 0;
let newestMessage = 0;

function stream(name) {
  if (!streams.has(name)) {
    const one = new Stream(name, () => showTab(streams, link.dataset.link === "live"));
    streams.set(name, one);
    main.append(one.panel);
    showView(streams);
  }
  return streams.get(name);
}

function showLink(state, words) {
  link.dataset.link = state;
  set(link, words);
  document.body.classList.toggle("not-live", state !== "live");
  for (const one of streams.values()) one.setLive(state === "live");
  showTab(streams, state === "live");
}

function liveWords() {
  return missed ? `live; this page was too slow for ${missed} messages` : "live";
}

function hello(message) {
  set(document.getElementById("model"), `${message.model} on ${message.device}, version ${message.version}`);
  for (const status of message.streams) {
    const one = stream(status.stream);
    one.thresholds = message.thresholds || null;
    if (status.onset) one.takeOnset(status.onset);
    else one.closeVoice();
    one.takeState(status.state, status.reason);
  }
  showLink("live", liveWords());
}

function connect() {
  const address = new URL("ws", location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  address.hash = "";
  address.search = "";
  if (query.has("token")) address.searchParams.set("token", query.get("token"));
  address.searchParams.set("types", "decision,onset,offset,state,gap,level");
  socket = new WebSocket(address);
  newestMessage = Date.now();
  socket.onmessage = (event) => {
    newestMessage = Date.now();
    attempts = 0;
    const message = JSON.parse(event.data);
    if (message.type === "hello") hello(message);
    else if (link.dataset.link !== "live") showLink("live", liveWords());
    // The lost messages may include an onset; a new hello has the present state.
    if (message.type === "lagged") {
      missed += message.lost;
      socket.close();
    }
    if (message.stream !== "*") stream(message.stream).take(message);
  };
  socket.onclose = () => {
    showLink("broken", "not live: no connection, trying again");
    setTimeout(connect, RETRY_MS[Math.min(attempts++, RETRY_MS.length - 1)]);
  };
}

setInterval(() => {
  const quiet = Date.now() - newestMessage > SILENCE_MS;
  if (socket.readyState !== WebSocket.OPEN || !quiet) return;
  // Without sound there is nothing to report.
  const quietStates = ["ended", "failed", "waiting", "stalled", "reconnecting"];
  const over = [...streams.values()].every((s) => quietStates.includes(s.state));
  if (!over) showLink("broken", "not live: no news for " + duration((Date.now() - newestMessage) / 1000));
}, 1000);

function frame() {
  for (const one of streams.values()) {
    if (!one.chart.stale) continue;
    one.chart.stale = false;
    one.chart.draw();
  }
  requestAnimationFrame(frame);
}

function redraw() {
  for (const one of streams.values()) one.chart.stale = true;
}

readColours();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  readColours();
  redraw();
});
addEventListener("resize", () => {
  showView(streams);
  redraw();
});
setLinks();
showView(streams);
connect();
frame();
