"use strict";
// The page: one WebSocket, which feeds the streams.

// After this time without a message the connection counts as broken.
const SILENCE_MS = 5000;
const RETRY_MS = [250, 500, 1000, 2000, 4000];

const streams = new Map();
const controls = new Controls();
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
  controls.setLive(state === "live");
  showTab(streams, state === "live");
}

function liveWords() {
  return missed ? `live; this page was too slow for ${missed} messages` : "live";
}

function hello(message) {
  // What else is known of the version is for those who look for it.
  const [number] = message.version.split(" ");
  const model = document.getElementById("model");
  set(model, `${message.model} on ${message.device}, version ${number}`);
  model.title = "version " + message.version;
  const names = message.streams.map((status) => status.stream);
  for (const name of streams.keys()) {
    if (!names.includes(name)) remove(name);
  }
  for (const status of message.streams) {
    const one = stream(status.stream);
    one.thresholds = message.thresholds || null;
    if (status.onset) one.takeOnset(status.onset);
    else one.closeVoice();
    one.takeState(status);
    if (status.settings) takeSettings(status.stream, status.settings);
    controls.of(one.name).showTest(one.test);
  }
  controls.takeLock(message.locked === true);
  showLink("live", liveWords());
}

function takeSettings(name, settings) {
  stream(name).takeSettings(settings);
  controls.of(name).take(settings);
}

// A stream that is no more.
function remove(name) {
  streams.get(name).panel.remove();
  streams.delete(name);
  controls.remove(name);
  showView(streams);
}

function take(message) {
  switch (message.type) {
    case "hello": return hello(message);
    case "lock": return controls.takeLock(message.locked);
    case "reload": return controls.takeReload(message);
    case "settings": return takeSettings(message.stream, message);
  }
  if (message.stream === "*") return;
  const one = stream(message.stream);
  one.take(message);
  controls.of(one.name).showTest(one.test);
}

function connect() {
  const address = new URL("ws", location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  address.hash = "";
  address.search = "";
  if (heldToken) address.searchParams.set("token", heldToken);
  address.searchParams.set("types", "decision,onset,offset,state,gap,level,settings,lock,reload");
  socket = new WebSocket(address);
  newestMessage = Date.now();
  socket.onmessage = (event) => {
    newestMessage = Date.now();
    attempts = 0;
    const message = JSON.parse(event.data);
    if (message.type !== "hello" && link.dataset.link !== "live") showLink("live", liveWords());
    // The lost messages may include an onset; a new hello has the present state.
    if (message.type === "lagged") {
      missed += message.lost;
      socket.close();
    }
    take(message);
  };
  socket.onclose = async () => {
    showLink("broken", "not live: no connection, trying again");
    if (!await hasAccess()) {
      showLink("broken", "not live: a token is needed");
      return showTokenForm();
    }
    setTimeout(connect, RETRY_MS[Math.min(attempts++, RETRY_MS.length - 1)]);
  };
}

// With the token that was entered.
access.addEventListener("submit", (event) => {
  event.preventDefault();
  holdToken(access.querySelector("input").value);
  access.hidden = true;
  access.reset();
  socket.onclose = null;
  socket.close();
  showLink("waiting", "connecting …");
  connect();
});

setInterval(() => {
  for (const one of streams.values()) one.checkAge();
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
for (const address of document.querySelectorAll("nav a[data-path]")) address.onclick = openWithToken;
showView(streams);
connect();
frame();
