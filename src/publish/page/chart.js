"use strict";
// Chart of a stream: the probability of voice over the last minute, and below it, on the same time axis, the log-mel
// waterfall. The right edge is now.

const SPAN_S = 60;
const MEL_BANDS = 80;
// ln of the mel magnitude at both ends of the colour scale, for the lowest band. Higher bands of music are fainter, so
// both ends fall with the band, by this much up to the highest.
const MEL_DARK = -5.5;
const MEL_BRIGHT = 2;
const MEL_FALL = 4.5;
const COLUMN_S = 1 / 14;
const COLUMNS = SPAN_S * 14;
// Height of a threshold's label, in text sizes.
const LABEL_EM = 1.3;

let colours = {};
function readColours() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["panel", "ink", "quiet", "line", "voice", "voice-soft", "still", "alarm"]) {
    colours[name] = style.getPropertyValue("--" + name).trim();
  }
}

// The same in light and dark mode: bright is loud.
const STOPS = [[14, 16, 22], [30, 50, 78], [40, 98, 128], [104, 168, 160], [246, 226, 168]];
const palette = Array.from({ length: 256 }, (_, i) => {
  const at = i / 255 * (STOPS.length - 1);
  const k = Math.min(Math.floor(at), STOPS.length - 2);
  return STOPS[k].map((c, n) => Math.round(c + (STOPS[k + 1][n] - c) * (at - k)));
});

class Chart {
  // `of` has the stream's decisions, spans, gaps, columns, thresholds and now.
  constructor(canvas, of) {
    this.of = of;
    // Whether there is something new to draw.
    this.stale = true;
    this.canvas = canvas;
    this.ink = canvas.getContext("2d");
    this.waterfall = document.createElement("canvas");
    this.waterfall.width = COLUMNS;
    this.waterfall.height = MEL_BANDS;
    this.rain = this.waterfall.getContext("2d");
  }

  clear() {
    this.rain.clearRect(0, 0, COLUMNS, MEL_BANDS);
  }

  // The waterfall is a ring of columns, indexed by time.
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
    // Sizes follow the page's text.
    const em = 0.82 * parseFloat(getComputedStyle(document.documentElement).fontSize);
    this.font = `${em}px system-ui, "DejaVu Sans", sans-serif`;
    const left = 4.6 * em, right = width - em, axis = 2.1 * em;
    const split = Math.round((height - axis) * 0.52);
    const curve = { top: 2.2 * em, bottom: split - 0.6 * em };
    const fall = { top: split + 2 * em, bottom: height - axis };
    const from = this.of.now - SPAN_S;
    const x = (t) => left + (t - from) / SPAN_S * (right - left);
    const y = (p) => curve.bottom - p * (curve.bottom - curve.top);
    g.save();
    g.beginPath();
    g.rect(left, 0, right - left, height - axis);
    g.clip();
    this.spansAndGaps(g, x, curve, fall, from);
    this.curve(g, x, y, from);
    this.fall(g, x, fall, from);
    this.spanBars(g, x, fall, from);
    g.restore();
    this.axes(g, x, y, { em, left, right, curve, fall, height, from });
  }

  spansAndGaps(g, x, curve, fall, from) {
    g.fillStyle = colours["voice-soft"];
    for (const span of this.of.spans) {
      const to = span.to === null ? this.of.now : span.to;
      if (to > from) g.fillRect(x(span.from), curve.top, x(to) - x(span.from), curve.bottom - curve.top);
    }
    g.fillStyle = colours.alarm;
    for (const gap of this.of.gaps) {
      g.fillRect(x(gap.t), curve.top, Math.max(2, x(gap.t + gap.lost) - x(gap.t)), curve.bottom - curve.top);
    }
  }

  curve(g, x, y, from) {
    g.lineWidth = 1;
    g.setLineDash([4, 4]);
    g.strokeStyle = colours.quiet;
    for (const { p } of this.thresholds()) {
      g.beginPath();
      g.moveTo(0, Math.round(y(p)) + 0.5);
      g.lineTo(x(this.of.now) + 20, Math.round(y(p)) + 0.5);
      g.stroke();
    }
    g.setLineDash([]);
    g.lineWidth = 2;
    g.lineJoin = "round";
    g.strokeStyle = colours.voice;
    g.beginPath();
    let last = null;
    for (const d of this.of.decisions) {
      if (d.t < from - 1) continue;
      // No line where there was no decision.
      if (last === null || d.t - last > 0.5) g.moveTo(x(d.t), y(d.p));
      else g.lineTo(x(d.t), y(d.p));
      last = d.t;
    }
    g.stroke();
    const newest = this.of.decisions.at(-1);
    if (newest) {
      g.fillStyle = colours.voice;
      g.beginPath();
      g.arc(x(newest.t), y(newest.p), 4.5, 0, Math.PI * 2);
      g.fill();
    }
  }

  fall(g, x, fall, from) {
    const height = fall.bottom - fall.top;
    g.imageSmoothingEnabled = true;
    // Oldest to newest: the ring starts after the newest column.
    const newest = this.of.columns.at(-1);
    if (!newest) return;
    const end = Math.floor(newest.t / COLUMN_S) + 1;
    const start = Math.max(Math.floor(this.of.columns[0].t / COLUMN_S), end - COLUMNS + 1);
    for (let a = start; a < end;) {
      const place = a % COLUMNS;
      const count = Math.min(COLUMNS - place, end - a);
      const x0 = x(a * COLUMN_S), x1 = x((a + count) * COLUMN_S);
      g.drawImage(this.waterfall, place, 0, count, MEL_BANDS, x0, fall.top, x1 - x0, height);
      a += count;
    }
  }

  spanBars(g, x, fall, from) {
    g.fillStyle = colours.voice;
    for (const span of this.of.spans) {
      const to = span.to === null ? this.of.now : span.to;
      if (to > from) g.fillRect(x(span.from), fall.top - 5, Math.max(2, x(to) - x(span.from)), 4);
    }
  }

  // What changes the state, highest first.
  thresholds() {
    const of = this.of.thresholds;
    if (!of) return [];
    const names = [["enter", "voice begins"], ["reenter", "begins again"], ["leave", "voice ends"]];
    return names.filter(([key]) => of[key] !== undefined).map(([key, name]) => ({ p: of[key], name }));
  }

  // The names of the thresholds at their lines; moved apart where the lines are closer than a label is high.
  labels(y, height) {
    const labels = this.thresholds().map(({ p, name }) => ({ text: `${name} ${p.toFixed(2)}`, y: y(p) }));
    let moved = 0;
    for (let i = 1; i < labels.length; i++) {
      const lower = Math.max(labels[i].y, labels[i - 1].y + height);
      moved += lower - labels[i].y;
      labels[i].y = lower;
    }
    for (const label of labels) label.y -= moved / labels.length;
    return labels;
  }

  axes(g, x, y, at) {
    const { em } = at;
    g.font = this.font;
    g.strokeStyle = colours.line;
    g.lineWidth = 1;
    g.textBaseline = "middle";
    // Over the curve: each name on a piece of the panel's colour.
    g.textAlign = "left";
    for (const label of this.labels(y, LABEL_EM * em)) {
      g.fillStyle = colours.panel;
      g.globalAlpha = 0.8;
      g.fillRect(at.left, label.y - LABEL_EM / 2 * em, g.measureText(label.text).width + 0.6 * em, LABEL_EM * em);
      g.globalAlpha = 1;
      g.fillStyle = colours.quiet;
      g.fillText(label.text, at.left + 0.3 * em, label.y);
    }
    g.fillStyle = colours.quiet;
    g.textBaseline = "alphabetic";
    g.fillText("probability of voice", at.left, at.curve.top - 0.7 * em);
    g.fillText("spectrum", at.left, at.fall.top - 0.7 * em);
    g.textBaseline = "middle";
    g.textAlign = "right";
    for (const p of [0, 0.5, 1]) g.fillText(p.toString(), at.left - 0.7 * em, y(p));
    // Slaney's mel bands: 8 kHz at the top, linear below 1 kHz.
    for (const [hz, name] of [[200, "200 Hz"], [1000, "1 kHz"], [4000, "4 kHz"]]) {
      g.fillText(name, at.left - 0.7 * em, at.fall.bottom - (mel(hz) - mel(27.5)) / (mel(8000) - mel(27.5)) * (at.fall.bottom - at.fall.top));
    }
    g.beginPath();
    g.moveTo(at.left, Math.round(y(0)) + 0.5);
    g.lineTo(at.right, Math.round(y(0)) + 0.5);
    g.stroke();
    g.textBaseline = "alphabetic";
    g.fillText("min:s", at.right, at.height - 0.7 * em);
    g.textAlign = "center";
    for (let t = Math.max(0, Math.ceil(at.from / 10) * 10); t <= this.of.now; t += 10) {
      const place = x(t);
      if (place > at.left + em && place < at.right - 4.5 * em) g.fillText(clock(t), place, at.height - 0.7 * em);
    }
  }
}

function mel(hz) {
  return hz < 1000 ? hz * 3 / 200 : 15 + Math.log(hz / 1000) * 27 / Math.log(6.4);
}
