"use strict";
// The page: one WebSocket, a panel for each stream; chart.js draws the chart.

const EVENTS_KEPT = 100;
const LEVEL_FLOOR_DB = -60;
// After this time without a message the connection counts as broken.
const SILENCE_MS = 5000;
const RETRY_MS = [250, 500, 1000, 2000, 4000];

const streams = new Map();
const link = document.getElementById("link");
const main = document.getElementById("streams");
const words = {
  starting: "waiting", silent: "silence", stalled: "no sound", reconnecting: "source lost",
  ended: "ended", failed: "failed",
};
let socket = null;
let attempts = 0;
let missed = 0;
let newestMessage = 0;
let dirty = true;

// ---- one stream --------------------------------------------------------------------------------

class Stream {
  constructor(name) {
    this.name = name;
    this.decisions = [];     // {t, p, voice}
    this.spans = [];         // {id, from, to}: to is null while the voice is there
    this.gaps = [];          // {t, lost}
    this.columns = [];       // {t, mel}
    this.thresholds = null;
    this.lost = 0;
    this.state = "starting";
    this.now = 0;            // newest stream time
    this.nowAt = performance.now();
    this.peakHeld = LEVEL_FLOOR_DB;
    const panel = document.getElementById("stream").content.cloneNode(true).firstElementChild;
    this.panel = panel;
    this.find = (selector) => panel.querySelector(selector);
    // The end of a file's path is its most useful part.
    this.find("h2").textContent = name.split("/").slice(-2).join("/");
    this.find("h2").title = name;
    panel.setAttribute("aria-label", "stream " + name);
    this.chart = new Chart(this.find("canvas"), this);
    main.append(panel);
  }

  take(message) {
    switch (message.type) {
      case "decision": return this.takeDecision(message);
      case "level": return this.takeLevel(message);
      case "onset": return this.takeOnset(message);
      case "offset": return this.takeOffset(message);
      case "gap": return this.takeGap(message);
      case "state": return this.takeState(message.state, message.reason);
    }
  }

  takeDecision(d) {
    const last = this.decisions.at(-1);
    if (last && d.t < last.t) this.forget();
    this.decisions.push({ t: d.t, p: d.p, voice: d.voice });
    this.tick(d.t);
    const from = this.now - SPAN_S - 5;
    while (this.decisions[0].t < from) this.decisions.shift();
    while (this.spans.length && this.spans[0].to !== null && this.spans[0].to < from) this.spans.shift();
    while (this.gaps.length && this.gaps[0].t + this.gaps[0].lost < from) this.gaps.shift();
    this.find(".percent").textContent = Math.round(d.p * 100) + " % voice";
    this.find(".latency").textContent = Math.round(d.latency * 1000) + " ms";
    this.find(".latency").classList.toggle("bad", d.latency > 0.5);
    this.find(".lookahead").textContent = Math.round(d.lookahead * 1000) + " ms";
    this.voice = d.voice;
    this.showLamp();
  }

  takeLevel(l) {
    this.tick(l.t);
    this.columns.push(l);
    if (this.columns.length > COLUMNS) this.columns.shift();
    this.chart.paintColumn(l);
    const share = (db) => Math.max(0, Math.min(1, 1 - db / LEVEL_FLOOR_DB));
    this.peakHeld = Math.max(l.peak_db, this.peakHeld - 1);
    this.find(".rms").style.width = share(l.rms_db) * 100 + "%";
    const peak = this.find(".peak");
    peak.style.left = `calc(${share(this.peakHeld) * 100}% - 3px)`;
    peak.classList.toggle("hot", this.peakHeld > -1);
    this.find(".db").textContent = l.rms_db > -100 ? Math.round(l.rms_db).toString().replace("-", "−") + " dB" : "silent";
    this.find(".bar").setAttribute("aria-valuenow", Math.round(Math.max(LEVEL_FLOOR_DB, l.rms_db)));
  }

  takeOnset(o) {
    if (this.spans.some((span) => span.id === o.id)) return;
    this.spans.push({ id: o.id, from: o.t, to: null });
    const line = document.createElement("li");
    line.className = "open";
    line.dataset.id = o.id;
    line.append(text(clock(o.t)), text("now"));
    const events = this.find(".events");
    events.prepend(line);
    while (events.children.length > EVENTS_KEPT) events.lastChild.remove();
  }

  takeOffset(o) {
    const span = this.spans.find((span) => span.id === o.id);
    if (span) span.to = o.t;
    const line = this.find(`.events li[data-id="${o.id}"]`);
    if (!line) return;
    line.classList.remove("open");
    line.lastChild.textContent = o.duration.toFixed(1) + " s";
  }

  // Its offset was sent while this page was not connected.
  closeVoice() {
    const open = this.spans.find((span) => span.to === null);
    if (open) this.takeOffset({ id: open.id, t: this.now, duration: this.now - open.from });
  }

  takeGap(gap) {
    this.gaps.push({ t: gap.t, lost: gap.lost });
    this.lost += gap.lost;
    this.find(".lost").textContent = this.lost.toFixed(2) + " s";
    this.find(".lost").classList.add("bad");
    this.find(".lost").title = "last: " + gap.reason.replace("_", " ");
  }

  takeState(state, reason) {
    this.state = state;
    const field = this.find(".state");
    field.textContent = state;
    field.title = reason || "";
    field.classList.toggle("bad", ["stalled", "reconnecting", "failed"].includes(state));
    this.reason = reason;
    this.showLamp();
  }

  showLamp() {
    const decided = this.state === "running" && this.decisions.length > 0;
    const word = decided ? (this.voice ? "voice" : "no voice") : words[this.state] || "listening";
    const look = decided ? (this.voice ? "yes" : "no")
      : ["stalled", "reconnecting", "failed"].includes(this.state) ? "problem" : "unknown";
    this.panel.dataset.voice = look;
    set(this.find(".word"), word);
    const open = this.spans.at(-1);
    let since = "";
    if (this.state !== "running" || this.reason) since = this.reason || "";
    else if (open && open.to === null) since = "for " + duration(this.now - open.from);
    else if (open) since = "for " + duration(this.now - open.to);
    set(this.find(".since"), since);
  }

  forget() {
    this.decisions = [];
    this.spans = [];
    this.gaps = [];
    this.columns = [];
    this.now = 0;
    this.find(".events").replaceChildren();
    this.chart.clear();
  }

  tick(t) {
    if (t > this.now) {
      this.now = t;
      this.nowAt = performance.now();
    }
    dirty = true;
  }
}

function text(content) {
  const span = document.createElement("span");
  span.textContent = content;
  return span;
}

// Only on a change: a screen reader reads a live region again otherwise.
function set(element, content) {
  if (element.textContent !== content) element.textContent = content;
}

function clock(t) {
  const minutes = Math.floor(t / 60);
  return minutes + ":" + String(Math.floor(t % 60)).padStart(2, "0");
}

function duration(s) {
  return s < 60 ? Math.max(0, Math.floor(s)) + " s" : clock(s);
}

// ---- the connection ----------------------------------------------------------------------------

function stream(name) {
  if (!streams.has(name)) streams.set(name, new Stream(name));
  return streams.get(name);
}

function showLink(state, words) {
  link.dataset.link = state;
  set(link, words);
  document.body.classList.toggle("not-live", state !== "live");
}

function liveWords() {
  return missed ? `live; this page was too slow for ${missed} messages` : "live";
}

// The lines that the chart draws: enter, re-enter and leave.
function thresholdsOf(message) {
  return message ? [message.enter, message.reenter, message.leave].filter((p) => p !== undefined) : null;
}

function hello(message) {
  set(document.getElementById("model"), `${message.model} on ${message.device}, version ${message.version}`);
  for (const status of message.streams) {
    const panel = stream(status.stream);
    panel.thresholds = thresholdsOf(message.thresholds);
    if (status.onset) panel.takeOnset(status.onset);
    else panel.closeVoice();
    panel.takeState(status.state, status.reason);
  }
  showLink("live", liveWords());
}

function connect() {
  const address = new URL("ws" + location.search, location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  address.hash = "";
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
  const over = [...streams.values()].every((s) => ["ended", "failed"].includes(s.state));
  if (!over) showLink("broken", "not live: no news for " + duration((Date.now() - newestMessage) / 1000));
}, 1000);

function frame() {
  if (dirty) {
    dirty = false;
    for (const one of streams.values()) one.chart.draw();
  }
  requestAnimationFrame(frame);
}

readColours();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  readColours();
  for (const one of streams.values()) one.chart.repaint();
  dirty = true;
});
addEventListener("resize", () => { dirty = true; });
connect();
frame();
