"use strict";
// The screen for people: one WebSocket, a panel for each stream. Time runs on the canvas from right
// (now) to left (a minute ago); `t` of the messages is the axis of both pictures.

const SPAN_S = 60;
const MEL_BANDS = 80;
// ln of the mel magnitude: the ends of the waterfall's colours for the lowest band. Music is fainter the
// higher, so both fall with the band, by this much up to the highest.
const MEL_DARK = -5.5;
const MEL_BRIGHT = 2;
const MEL_FALL = 4.5;
const COLUMN_S = 1 / 14;
const COLUMNS = SPAN_S * 14;
const EVENTS_KEPT = 100;
const LEVEL_FLOOR_DB = -60;
// Without any message for so long the connection counts as broken.
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

// ---- colours -----------------------------------------------------------------------------------

let colours = {};
let palette = [];
function readColours() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["panel", "ink", "quiet", "line", "voice", "voice-soft", "still", "alarm"]) {
    colours[name] = style.getPropertyValue("--" + name).trim();
  }
  // From the panel's own colour over blue to the strongest: calm in light and in dark.
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const stops = dark
    ? [[26, 28, 30], [30, 50, 78], [40, 98, 128], [104, 168, 160], [246, 226, 168]]
    : [[255, 254, 251], [214, 226, 232], [126, 170, 192], [48, 96, 134], [18, 32, 68]];
  palette = Array.from({ length: 256 }, (_, i) => {
    const at = i / 255 * (stops.length - 1);
    const k = Math.min(Math.floor(at), stops.length - 2);
    return stops[k].map((c, n) => Math.round(c + (stops[k + 1][n] - c) * (at - k)));
  });
  for (const stream of streams.values()) stream.repaintWaterfall();
  dirty = true;
}

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
    // A file's path is long; its end says most.
    this.find("h2").textContent = name.split("/").slice(-2).join("/");
    this.find("h2").title = name;
    panel.setAttribute("aria-label", "stream " + name);
    this.canvas = this.find("canvas");
    this.ink = this.canvas.getContext("2d");
    this.waterfall = document.createElement("canvas");
    this.waterfall.width = COLUMNS;
    this.waterfall.height = MEL_BANDS;
    this.rain = this.waterfall.getContext("2d");
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
    this.paintColumn(l);
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

  // Its offset was told while nobody listened here.
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
      : ["stalled", "reconnecting", "failed"].includes(this.state) ? "fault" : "unknown";
    this.panel.dataset.voice = look;
    set(this.find(".word"), word);
    const open = this.spans.at(-1);
    let since = "";
    if (this.state !== "running") since = this.reason || "";
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
    this.rain.clearRect(0, 0, COLUMNS, MEL_BANDS);
  }

  tick(t) {
    if (t > this.now) {
      this.now = t;
      this.nowAt = performance.now();
    }
    dirty = true;
  }

  // The waterfall is a ring of columns: a column's place is its time.
  paintColumn(l) {
    const x = Math.floor(l.t / COLUMN_S) % COLUMNS;
    const image = this.rain.createImageData(1, MEL_BANDS);
    for (let band = 0; band < MEL_BANDS; band++) {
      const level = l.mel[band] + MEL_FALL * band / (MEL_BANDS - 1);
      const share = (level - MEL_DARK) / (MEL_BRIGHT - MEL_DARK);
      const colour = palette[Math.max(0, Math.min(255, Math.round(share * 255)))];
      const at = (MEL_BANDS - 1 - band) * 4;
      image.data[at] = colour[0];
      image.data[at + 1] = colour[1];
      image.data[at + 2] = colour[2];
      image.data[at + 3] = 255;
    }
    this.rain.putImageData(image, x, 0);
  }

  repaintWaterfall() {
    this.rain.clearRect(0, 0, COLUMNS, MEL_BANDS);
    for (const column of this.columns) this.paintColumn(column);
  }

  draw() {
    const scale = devicePixelRatio || 1;
    const width = this.canvas.clientWidth, height = this.canvas.clientHeight;
    if (!width || !height) return;
    if (this.canvas.width !== Math.round(width * scale) || this.canvas.height !== Math.round(height * scale)) {
      this.canvas.width = Math.round(width * scale);
      this.canvas.height = Math.round(height * scale);
    }
    const g = this.ink;
    g.setTransform(scale, 0, 0, scale, 0, 0);
    g.clearRect(0, 0, width, height);
    const left = 46, right = width - 14, axis = 26;
    const split = Math.round((height - axis) * 0.52);
    const curve = { top: 16, bottom: split - 8 };
    const fall = { top: split + 6, bottom: height - axis };
    const from = this.now - SPAN_S;
    const x = (t) => left + (t - from) / SPAN_S * (right - left);
    const y = (p) => curve.bottom - p * (curve.bottom - curve.top);
    g.save();
    g.beginPath();
    g.rect(left, 0, right - left, height - axis);
    g.clip();
    this.drawSpans(g, x, curve, fall, from);
    this.drawCurve(g, x, y, from);
    this.drawWaterfall(g, x, fall, from);
    this.drawSpanBars(g, x, fall, from);
    g.restore();
    this.drawAxes(g, x, y, { left, right, curve, fall, height, from });
  }

  drawSpans(g, x, curve, fall, from) {
    g.fillStyle = colours["voice-soft"];
    for (const span of this.spans) {
      const to = span.to === null ? this.now : span.to;
      if (to > from) g.fillRect(x(span.from), curve.top, x(to) - x(span.from), curve.bottom - curve.top);
    }
    g.fillStyle = colours.alarm;
    for (const gap of this.gaps) {
      g.fillRect(x(gap.t), curve.top, Math.max(2, x(gap.t + gap.lost) - x(gap.t)), curve.bottom - curve.top);
    }
  }

  drawCurve(g, x, y, from) {
    g.lineWidth = 1;
    g.setLineDash([4, 4]);
    g.strokeStyle = colours.quiet;
    for (const p of this.thresholds || [0.5]) {
      g.beginPath();
      g.moveTo(0, Math.round(y(p)) + 0.5);
      g.lineTo(x(this.now) + 20, Math.round(y(p)) + 0.5);
      g.stroke();
    }
    g.setLineDash([]);
    g.lineWidth = 2;
    g.lineJoin = "round";
    g.strokeStyle = colours.voice;
    g.beginPath();
    let last = null;
    for (const d of this.decisions) {
      if (d.t < from - 1) continue;
      // No line where there was no decision.
      if (last === null || d.t - last > 0.5) g.moveTo(x(d.t), y(d.p));
      else g.lineTo(x(d.t), y(d.p));
      last = d.t;
    }
    g.stroke();
    const newest = this.decisions.at(-1);
    if (newest) {
      g.fillStyle = colours.voice;
      g.beginPath();
      g.arc(x(newest.t), y(newest.p), 4.5, 0, Math.PI * 2);
      g.fill();
    }
  }

  drawWaterfall(g, x, fall, from) {
    const height = fall.bottom - fall.top;
    g.imageSmoothingEnabled = true;
    // Oldest to newest: from the column after the newest round to it.
    const newest = this.columns.at(-1);
    if (!newest) return;
    const end = Math.floor(newest.t / COLUMN_S) + 1;
    const start = Math.max(Math.floor(this.columns[0].t / COLUMN_S), end - COLUMNS + 1);
    for (let a = start; a < end;) {
      const place = a % COLUMNS;
      const count = Math.min(COLUMNS - place, end - a);
      const x0 = x(a * COLUMN_S), x1 = x((a + count) * COLUMN_S);
      g.drawImage(this.waterfall, place, 0, count, MEL_BANDS, x0, fall.top, x1 - x0, height);
      a += count;
    }
  }

  drawSpanBars(g, x, fall, from) {
    g.fillStyle = colours.voice;
    for (const span of this.spans) {
      const to = span.to === null ? this.now : span.to;
      if (to > from) g.fillRect(x(span.from), fall.top - 5, Math.max(2, x(to) - x(span.from)), 4);
    }
  }

  drawAxes(g, x, y, at) {
    g.font = "13px system-ui, 'DejaVu Sans', sans-serif";
    g.fillStyle = colours.quiet;
    g.strokeStyle = colours.line;
    g.lineWidth = 1;
    g.textAlign = "right";
    g.textBaseline = "middle";
    for (const p of [0, 0.5, 1]) g.fillText(p.toString(), at.left - 9, y(p));
    // Slaney's mel bands: 8 kHz at the top, linear below 1 kHz.
    for (const [hz, name] of [[200, "200"], [1000, "1 k"], [4000, "4 k"]]) {
      g.fillText(name, at.left - 9, at.fall.bottom - (mel(hz) - mel(27.5)) / (mel(8000) - mel(27.5)) * (at.fall.bottom - at.fall.top));
    }
    g.beginPath();
    g.moveTo(at.left, Math.round(y(0)) + 0.5);
    g.lineTo(at.right, Math.round(y(0)) + 0.5);
    g.stroke();
    g.textAlign = "center";
    g.textBaseline = "alphabetic";
    for (let t = Math.max(0, Math.ceil(at.from / 10) * 10); t <= this.now; t += 10) {
      const place = x(t);
      if (place > at.left + 14 && place < at.right - 14) g.fillText(clock(t), place, at.height - 9);
    }
  }
}

function mel(hz) {
  return hz < 1000 ? hz * 3 / 200 : 15 + Math.log(hz / 1000) * 27 / Math.log(6.4);
}

function text(content) {
  const span = document.createElement("span");
  span.textContent = content;
  return span;
}

// Only changes: a live region would speak again otherwise.
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

function hello(message) {
  set(document.getElementById("model"), `${message.model} on ${message.device}, version ${message.version}`);
  for (const status of message.streams) {
    const panel = stream(status.stream);
    panel.thresholds = message.thresholds ? [message.thresholds.enter, message.thresholds.leave] : null;
    if (status.onset) panel.takeOnset(status.onset);
    else panel.closeVoice();
    panel.takeState(status.state, status.reason);
  }
  showLink("live", liveWords());
}

function connect() {
  const address = new URL("ws", location.href);
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
    // What was missed may have been an onset: only a new hello tells how things stand.
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
    for (const one of streams.values()) one.draw();
  }
  requestAnimationFrame(frame);
}

readColours();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", readColours);
addEventListener("resize", () => { dirty = true; });
connect();
frame();
