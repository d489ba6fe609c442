"use strict";
// Settings of one stream: what they are, and a form that changes them.

// By their names in a request.
const SETTING_WORDS = {
  enter: "voice begins", reenter: "begins again", leave: "voice ends", lookahead_s: "look-ahead",
  horizon_frames: "look-ahead", gain_db: "gain", gate_db: "gate",
};
const LEVELS = ["gain_db", "gate_db"];

function setting(x) {
  return String(Math.round(x * 1000) / 1000);
}

class Settings {
  // `controls` sends its requests.
  constructor(name, controls) {
    this.name = name;
    this.send = (request) => controls.send({ stream: name, ...request });
    this.refuse = (why) => controls.refuse(why);
    this.shown = {};         // what vocald reported, by the names of the fields
    this.changed = [];
    this.testing = false;
    this.form = document.getElementById("stream-settings").content.cloneNode(true).firstElementChild;
    this.find = (selector) => this.form.querySelector(selector);
    this.fields = [...this.form.querySelectorAll("[name]")];
    const short = shortName(name);
    this.form.setAttribute("aria-label", "settings of " + name);
    set(this.find("h3"), short);
    this.find("h3").title = name;
    for (const field of this.fields) {
      field.setAttribute("aria-label", `${SETTING_WORDS[field.name]}, ${short}`);
      field.addEventListener("input", () => this.showEdited());
    }
    for (const button of this.form.querySelectorAll("button")) {
      button.setAttribute("aria-label", `${button.textContent}, ${short}`);
    }
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.apply();
    });
    this.find(".mute").onclick = () => this.send({ request: "mute", muted: !this.muted });
    this.find(".test").onclick = () => this.send({ request: "test", seconds: this.testing ? 0 : controls.testSeconds() });
    this.find(".configured").onclick = () => this.restore();
  }

  // Fields that a person has edited keep what was entered.
  take(settings) {
    const edited = this.edited();
    const { decision } = settings;
    this.offer(settings.lookaheads_s?.length ? settings.lookaheads_s : [decision.lookahead_s]);
    for (const field of this.fields) {
      const value = decision[field.name];
      field.parentElement.hidden = value === undefined;
      this.shown[field.name] = value === undefined ? "" : setting(value);
      if (!edited.includes(field)) field.value = this.shown[field.name];
    }
    this.muted = settings.muted;
    this.button(".mute", this.muted ? "unmute" : "mute", this.muted);
    this.showOthers(settings);
    this.showChanged(settings.changed);
    this.showEdited();
  }

  offer(lookaheads) {
    const select = this.find("select");
    const offered = [...select.options].map((option) => option.value);
    const values = lookaheads.map(setting);
    if (String(offered) === String(values)) return;
    select.replaceChildren(...lookaheads.map((s) => new Option(milliseconds(s), setting(s))));
  }

  showOthers({ model, gain_db, gate_db, decision }) {
    const parts = ["model " + model, `gain ${decibels(gain_db)}`];
    parts.push(gate_db === undefined || gate_db === null ? "no gate" : `gate ${decibels(gate_db)}`);
    if (decision.min_voice_s > 0) parts.push(`shortest voice ${setting(decision.min_voice_s)} s`);
    if (decision.min_gap_s > 0) parts.push(`shortest gap ${setting(decision.min_gap_s)} s`);
    set(this.find(".others"), parts.join(" · "));
  }

  showChanged(changed) {
    this.changed = changed || [];
    const words = [...new Set(this.changed.map((name) => SETTING_WORDS[name] || name))];
    this.find(".changed").hidden = words.length === 0;
    set(this.find(".changed span"), "Not as in the configuration: " + words.join(", ") + ".");
    for (const field of this.fields) {
      const names = field.name === "lookahead_s" ? ["lookahead_s", "horizon_frames"] : [field.name];
      field.parentElement.classList.toggle("differs", names.some((name) => this.changed.includes(name)));
    }
  }

  edited() {
    return this.fields.filter((field) => field.name in this.shown && field.value !== this.shown[field.name]);
  }

  showEdited() {
    const edited = this.edited();
    for (const field of this.fields) field.classList.toggle("edited", edited.includes(field));
    this.find(".apply").disabled = edited.length === 0;
  }

  // What a person enters before the reply comes stays.
  async apply() {
    const sent = this.edited().map((field) => [field, field.value]);
    const decision = {};
    for (const [field, value] of sent) {
      if (value === "") return this.refuse(`${SETTING_WORDS[field.name]}: this is not a number`);
      decision[field.name] = Number(value);
    }
    if (!await this.send({ request: "set", decision })) return;
    for (const [field, value] of sent) {
      if (field.value === value) field.value = this.shown[field.name];
    }
    this.showEdited();
  }

  restore() {
    const request = { request: "set", decision: {} };
    for (const name of this.changed) (LEVELS.includes(name) ? request : request.decision)[name] = null;
    return this.send(request);
  }

  // Whether what is published is a test.
  showTest(testing) {
    if (this.testing === testing) return;
    this.testing = testing;
    this.button(".test", testing ? "end the test" : "test", testing);
  }

  button(selector, word, pressed) {
    const button = this.find(selector);
    set(button, word);
    button.setAttribute("aria-label", `${word}, ${shortName(this.name)}`);
    button.classList.toggle("pressed", pressed);
  }
}
