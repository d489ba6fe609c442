// The frontend of the networks: samples in, log-mel windows out. Parameters come from the exported network.

// Magnitudes of a real signal's spectrum; the length is a power of two.
function magnitudes(signal) {
  const n = signal.length;
  const re = Float64Array.from(signal), im = new Float64Array(n);
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) [re[i], re[j]] = [re[j], re[i]];
  }
  for (let size = 2; size <= n; size *= 2) {
    const half = size / 2;
    for (let k = 0; k < half; k++) {
      const c = Math.cos(-2 * Math.PI * k / size), s = Math.sin(-2 * Math.PI * k / size);
      for (let i = k; i < n; i += size) {
        const j = i + half;
        const x = re[j] * c - im[j] * s, y = re[j] * s + im[j] * c;
        [re[j], im[j], re[i], im[i]] = [re[i] - x, im[i] - y, re[i] + x, im[i] + y];
      }
    }
  }
  return Float64Array.from({ length: n / 2 + 1 }, (_, i) => Math.hypot(re[i], im[i]));
}

// Slaney's scale: linear below 1 kHz.
const toMel = (hz) => hz < 1000 ? hz * 3 / 200 : 15 + Math.log(hz / 1000) * 27 / Math.log(6.4);
const toHz = (mel) => mel < 15 ? mel * 200 / 3 : 1000 * Math.exp((mel - 15) * Math.log(6.4) / 27);

export class Frontend {
  // `settings`: `frontend` in the description of an exported network.
  constructor(settings) {
    this.settings = settings;
    const { frame_samples: size, mel_bands: bands, mel_min_hz: low, mel_max_hz: high, sample_rate_hz: rate } = settings;
    this.hann = Float64Array.from({ length: size }, (_, n) => 0.5 - 0.5 * Math.cos(2 * Math.PI * n / size));
    const step = (toMel(high) - toMel(low)) / (bands + 1);
    const edges = Array.from({ length: bands + 2 }, (_, i) => toHz(toMel(low) + i * step));
    // Triangles of equal area: for each band the first bin and the weights from there on.
    this.filters = Array.from({ length: bands }, (_, b) => {
      const [left, centre, right] = edges.slice(b, b + 3);
      const weight = (bin) => {
        const hz = bin * rate / size;
        return Math.max(0, Math.min((hz - left) / (centre - left), (right - hz) / (right - centre))) * 2 / (right - left);
      };
      const first = Math.floor(left * size / rate), last = Math.ceil(right * size / rate);
      return { first, weights: Array.from({ length: last - first + 1 }, (_, i) => weight(first + i)) };
    });
    this.pending = [];
    this.frames = [];
    this.number = 0;
  }

  // Takes samples and returns the windows that they complete: { number, values }, frames × bands.
  push(samples) {
    const { frame_samples: size, hop_samples: hop, window_frames: length, window_hop_frames: windowHop } = this.settings;
    const windows = [];
    for (const sample of samples) this.pending.push(sample);
    let start = 0;
    for (; start + size <= this.pending.length; start += hop) {
      this.frames.push(this.frame(this.pending.slice(start, start + size)));
      if (this.frames.length < length) continue;
      windows.push({ number: this.number++, values: Float32Array.from(this.frames.flat()) });
      this.frames.splice(0, windowHop);
    }
    this.pending.splice(0, start);
    return windows;
  }

  // Natural logarithms of the mel magnitudes of one frame.
  frame(samples) {
    const spectrum = magnitudes(samples.map((x, n) => x * this.hann[n]));
    return this.filters.map(({ first, weights }) => {
      const sum = weights.reduce((sum, weight, i) => sum + weight * spectrum[first + i], 0);
      return Math.log(Math.max(sum, this.settings.log_floor));
    });
  }
}
