"use strict";
// The controls: hidden until they are opened, disabled while changes are locked or the page is not live.

class Controls {
  constructor() {
    this.settings = new Map();
    this.locked = false;
    this.live = false;
    const of = (id) => document.getElementById(id);
    [this.panel, this.opener, this.lock, this.reload] = ["controls", "open", "lock", "reload"].map(of);
    this.opener.onclick = () => this.show(this.panel.hidden);
    this.panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.show(false);
    });
    this.lock.onclick = () => this.send({ request: "lock", locked: !this.locked });
    this.reload.onclick = () => this.readAgain();
    of("mute-all").onclick = () => this.send({ request: "mute" });
    of("unmute-all").onclick = () => this.send({ request: "mute", muted: false });
    of("test-all").onclick = () => this.send({ request: "test", seconds: this.testSeconds() });
  }

  show(open) {
    this.panel.hidden = !open;
    this.opener.setAttribute("aria-expanded", open);
    (open ? this.lock : this.opener).focus();
    dispatchEvent(new Event("resize"));
  }

  // The settings of a stream, added if they are new.
  of(name) {
    if (!this.settings.has(name)) {
      const one = new Settings(name, this);
      this.settings.set(name, one);
      document.getElementById("settings").append(one.form);
      this.showForms();
    }
    return this.settings.get(name);
  }

  remove(name) {
    this.settings.get(name)?.form.remove();
    this.settings.delete(name);
    this.showForms();
  }

  // Those of the streams that the page shows.
  showForms() {
    const isShown = (one) => chosenStream === null || one.name === chosenStream;
    const all = [...this.settings.values()];
    for (const one of all) one.form.hidden = !isShown(one);
    this.panel.querySelector(".every").hidden = all.filter(isShown).length < 2;
  }

  testSeconds() {
    return document.getElementById("test-s").valueAsNumber || 3;
  }

  // Whether it was carried out. What was not is shown with its reason.
  async send(body) {
    const reply = await request(body);
    if (!reply.ok) this.refuse(reply.error);
    else this.note("Done.");
    for (const status of reply.streams || []) {
      if (status.settings) this.of(status.stream).take(status.settings);
    }
    return reply.ok;
  }

  // What comes of it is published to every page.
  async readAgain() {
    const word = this.reload.textContent;
    set(this.reload, "reading …");
    this.reload.disabled = true;
    const reply = await request({ request: "reload" });
    if (!reply.ok) this.refuse(reply.error);
    this.reload.disabled = false;
    set(this.reload, word);
  }

  takeReload({ ok, error, changed, restart }) {
    if (!ok) return this.refuse(error);
    const parts = [changed?.length ? "changed: " + changed.join(", ") : "nothing has changed"];
    if (restart?.length) parts.push("only a restart applies " + restart.join(", "));
    this.note("The configuration was read again; " + parts.join("; ") + ".");
  }

  refuse(why) {
    this.note(`Not done: ${why}.`, true);
  }

  note(sentence, refused = false) {
    const note = document.getElementById("note");
    set(note, sentence);
    note.classList.toggle("refused", refused);
  }

  takeLock(locked) {
    this.locked = locked;
    this.showState();
  }

  setLive(live) {
    this.live = live;
    this.showState();
  }

  showState() {
    set(this.lock, this.locked ? "unlock changes" : "lock changes");
    this.lock.classList.toggle("pressed", this.locked);
    this.lock.disabled = !this.live;
    set(this.opener, this.locked ? "controls (locked)" : "controls");
    for (const field of this.panel.querySelectorAll(".changes")) field.disabled = this.locked || !this.live;
    const why = !this.live ? "Not live: nothing can be changed."
      : this.locked ? "Changes are locked: nothing can be changed until they are unlocked." : "";
    set(document.getElementById("state"), why);
  }
}
