"use strict";
// Level of a stream: RMS as a bar in coloured zones, the recent peak as a mark, and a light for clipping.

const LEVEL_FLOOR_DB = -60;
const SILENT_DB = -100;
// Samples at full scale.
const CLIP_DB = -0.1;
const CLIP_SHOWN_MS = 10000;
// Of the peak mark, for each message.
const PEAK_FALL_DB = 1;

class Meter {
  constructor(find) {
    this.find = find;
    this.held = LEVEL_FLOOR_DB;
    this.clippedAt = -Infinity;
  }

  take(level) {
    this.held = Math.max(level.peak_db, this.held - PEAK_FALL_DB);
    if (level.peak_db >= CLIP_DB) this.clippedAt = performance.now();
    const share = (db) => Math.max(0, Math.min(1, 1 - db / LEVEL_FLOOR_DB));
    this.find(".dark").style.left = share(level.rms_db) * 100 + "%";
    this.find(".peak").style.left = `calc(${share(this.held) * 100}% - 3px)`;
    this.find(".clip").hidden = performance.now() - this.clippedAt > CLIP_SHOWN_MS;
    const silent = level.rms_db <= SILENT_DB;
    set(this.find(".db"), silent ? "silent" : decibels(level.rms_db));
    set(this.find(".held"), silent ? "" : "peak " + decibels(this.held));
    this.find(".bar").setAttribute("aria-valuenow", Math.round(Math.max(LEVEL_FLOOR_DB, level.rms_db)));
  }

  // Nothing is known of the present.
  forget() {
    this.held = LEVEL_FLOOR_DB;
    this.find(".dark").style.left = "0";
    this.find(".peak").style.left = "-3px";
    this.find(".clip").hidden = true;
    set(this.find(".db"), "–");
    set(this.find(".held"), "");
  }
}
