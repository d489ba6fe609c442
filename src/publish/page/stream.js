"use strict";
// One stream: its lamp, its figures, and the data of its chart.

const EVENTS_KEPT = 100;
const LATENCY_BAD_S = 0.5;
// After this time without a decision, a stream that should have some is not live.
const DECISION_WITHIN_MS = 5000;
const STATE_WORDS = {
  starting: "starting", waiting: "waiting", silent: "silence", stalled: "stalled", reconnecting: "source lost",
  ended: "ended", failed: "failed",
};
// A longer word is written smaller.
const LONG_WORD = 8;
// What the lamp shows, by what counts as the stream's voice.
const VOICE_WORDS = { singing: ["voice", "no voice"], speech: ["speech", "no speech"], either: ["voice", "no voice"] };
const PROBLEMS = ["waiting", "stalled", "reconnecting", "failed"];

class Stream {
  // `changed` is called when the lamp shows something else.
  constructor(name, changed) {
    this.name = name;
    this.changed = changed;
    this.decisions = [];     // {t, p, voice}
    this.spans = [];         // {id, from, to}: to is null while the voice is there
    this.gaps = [];          // {t, lost}
    this.columns = [];       // {t, mel}
    this.thresholds = null;  // {enter, reenter, leave}
    this.counts = "singing";
    this.muted = false;
    this.test = false;       // whether the voice that is present is a test
    this.lost = 0;
    this.skipped = false;    // whether the last gap was for want of computing time
    this.state = "starting";
    this.live = true;
    this.newestDecision = Date.now();
    this.overdue = false;
    this.look = "unknown";
    this.now = 0;            // newest stream time
    const panel = document.getElementById("stream").content.cloneNode(true).firstElementChild;
    this.panel = panel;
    this.find = (selector) => panel.querySelector(selector);
    const link = this.find("h2 a");
    link.textContent = shortName(name);
    link.title = name;
    link.href = addressOf({ stream: name });
    panel.setAttribute("aria-label", "stream " + name);
    this.meter = new Meter(this.find);
    this.chart = new Chart(this.find("canvas"), this);
  }

  take(message) {
    if (typeof message.warning === "string") this.warn(message.warning);
    switch (message.type) {
      case "decision": return this.takeDecision(message);
      case "level": return this.takeLevel(message);
      case "onset": return this.takeOnset(message);
      case "offset": return this.takeOffset(message);
      case "gap": return this.takeGap(message);
      case "state": return this.takeState(message);
      case "settings": return this.takeSettings(message);
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
    set(this.find(".percent"), `probability ${Math.round(d.p * 100)} %`);
    set(this.find(".latency"), milliseconds(d.latency));
    this.find(".latency").classList.toggle("bad", d.late || d.latency > LATENCY_BAD_S);
    set(this.find(".lookahead"), milliseconds(d.lookahead));
    this.newestDecision = Date.now();
    this.overdue = false;
    this.takeSpeech(d);
    this.voice = d.voice;
    this.showLamp();
  }

  // Models without an output for speech report none.
  takeSpeech({ speech, speech_p }) {
    const known = speech !== undefined;
    this.find(".talk").hidden = !known;
    this.find(".speaking").hidden = !known;
    if (!known) return;
    set(this.find(".speech"), `${speech ? "yes" : "no"}, ${Math.round(speech_p * 100)} %`);
    set(this.find(".speaking"), speech ? "speech" : "no speech");
    this.find(".speaking").classList.toggle("lit", speech);
  }

  takeSettings({ decision, muted }) {
    this.thresholds = decision;
    this.muted = muted;
    this.chart.stale = true;
    this.showLamp();
  }

  takeLevel(l) {
    this.tick(l.t);
    this.columns.push(l);
    if (this.columns.length > COLUMNS) this.columns.shift();
    this.chart.paintColumn(l);
    this.meter.take(l);
  }

  takeOnset(o) {
    this.test = o.test === true;
    this.showLamp();
    if (this.spans.some((span) => span.id === o.id)) return;
    this.spans.push({ id: o.id, from: o.t, to: null });
    const line = document.createElement("li");
    line.className = "open";
    line.dataset.id = o.id;
    line.append(text(clock(o.t) + (o.test ? " test" : "")), text("now"));
    const events = this.find(".events");
    events.prepend(line);
    while (events.children.length > EVENTS_KEPT) events.lastChild.remove();
  }

  takeOffset(o) {
    if (o.test) this.test = false;
    this.showLamp();
    const span = this.spans.find((span) => span.id === o.id);
    if (span) span.to = o.t;
    const line = this.find(`.events li[data-id="${o.id}"]`);
    if (!line) return;
    line.classList.remove("open");
    line.lastChild.textContent = o.duration.toFixed(1) + " s";
    if (o.reason && o.reason !== "decision") line.title = "ended by: " + o.reason;
  }

  // Its offset was sent while this page was not connected.
  closeVoice() {
    this.test = false;
    const open = this.spans.find((span) => span.to === null);
    if (open) this.takeOffset({ id: open.id, t: this.now, duration: this.now - open.from });
  }

  takeGap(gap) {
    this.gaps.push({ t: gap.t, lost: gap.lost });
    this.lost += gap.lost;
    this.skipped = gap.reason === "inference_behind";
    set(this.find(".lost"), this.lost.toFixed(2) + " s");
    this.find(".lost").classList.add("bad");
    this.find(".lost").title = "last: " + gap.reason.replace("_", " ");
  }

  takeState({ state, reason, counts }) {
    if (state !== this.state) this.newestDecision = Date.now();
    this.state = state;
    this.reason = reason;
    this.counts = counts in VOICE_WORDS ? counts : "singing";
    const field = this.find(".state");
    field.title = reason || "";
    field.classList.toggle("bad", PROBLEMS.includes(state));
    if (state !== "running") this.meter.forget();
    this.showLamp();
  }

  // Something about the channel, for people; an empty text takes it back.
  warn(warning) {
    const field = this.find(".warning");
    set(field, warning);
    field.hidden = !warning;
  }

  // Whether the connection stands; without it all figures are old.
  setLive(live) {
    if (this.live === live) return;
    this.live = live;
    this.newestDecision = Date.now();
    if (!live) {
      this.meter.forget();
      this.forgetPresent();
      this.lastSeen = new Date().toLocaleTimeString();
    }
    this.showLamp();
  }

  // Called every second: a busy machine may send levels and gaps, but no decisions.
  checkAge() {
    const due = this.live && ["running", "silent"].includes(this.state);
    const age = Date.now() - this.newestDecision;
    this.overdue = due && age > DECISION_WITHIN_MS;
    if (!this.overdue) return;
    this.overdueS = age / 1000;
    this.forgetPresent();
    this.showLamp();
  }

  forgetPresent() {
    this.find(".speaking").hidden = true;
    set(this.find(".speech"), "–");
    set(this.find(".percent"), "");
    set(this.find(".latency"), "–");
  }

  showLamp() {
    const decided = this.live && this.state === "running" && this.decisions.length > 0;
    let word = this.state === "running" ? "listening" : STATE_WORDS[this.state] || this.state;
    let look = PROBLEMS.includes(this.state) ? "problem" : "unknown";
    if (!this.live) [word, look] = ["not live", "lost"];
    // A test needs no sound.
    else if (this.test) [word, look] = [VOICE_WORDS[this.counts][0], "yes"];
    else if (this.overdue) [word, look] = ["not live", "lost"];
    else if (decided) [word, look] = this.decision();
    set(this.find(".word"), word);
    this.find(".word").classList.toggle("long", word.length > LONG_WORD);
    set(this.find(".since"), this.since());
    set(this.find(".state"), this.live ? this.state : "–");
    if (this.look === look) return;
    this.look = look;
    this.panel.dataset.voice = look;
    this.changed();
  }

  decision() {
    const [voice, none] = VOICE_WORDS[this.counts];
    if (this.voice) return [voice, "yes"];
    return [this.muted ? "muted" : none, "no"];
  }

  since() {
    if (!this.live) return "last seen " + this.lastSeen;
    if (this.test) return "a test, not a singer";
    if (this.overdue) return `no decision for ${duration(this.overdueS)}` + (this.skipped ? ": the computer is too busy" : "");
    if (this.state !== "running" || this.reason) return this.reason || "";
    if (this.muted) return "no voice is published";
    const last = this.spans.at(-1);
    if (!last) return "";
    return "for " + duration(this.now - (last.to === null ? last.from : last.to));
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
    if (t > this.now) this.now = t;
    this.chart.stale = true;
  }
}
