// An exported network in onnxruntime-web.

import * as ort from "./node_modules/onnxruntime-web/dist/ort.wasm.bundle.min.mjs";
import { Frontend } from "./frontend.js";

ort.env.wasm.wasmPaths = new URL("./node_modules/onnxruntime-web/dist/", import.meta.url).href;
ort.env.wasm.numThreads = 1;

// The description is a metadata property of the file, which onnxruntime-web does not hand out: a JSON text after the
// key `vocald`.
function description(bytes) {
  const text = new TextDecoder("latin1").decode(bytes);
  const start = text.lastIndexOf('{"format_version":');
  if (start < 0) throw new Error("the network was not exported by vocald");
  for (let depth = 0, at = start; at < text.length; at++) {
    depth += text[at] === "{" ? 1 : text[at] === "}" ? -1 : 0;
    if (depth === 0) return JSON.parse(new TextDecoder().decode(bytes.slice(start, at + 1)));
  }
  throw new Error("the network's description is cut off");
}

export class Detector {
  static async load(address) {
    const response = await fetch(address);
    if (!response.ok) throw new Error(`${address}: ${response.status} ${response.statusText}`);
    const bytes = new Uint8Array(await response.arrayBuffer());
    const detector = new Detector();
    detector.description = description(bytes);
    detector.session = await ort.InferenceSession.create(bytes);
    detector.restart();
    return detector;
  }

  // Begins a new stream.
  restart() {
    this.frontend = new Frontend(this.description.frontend);
  }

  // Takes samples at the network's rate; resolves to the predictions that they complete: { t, p }.
  async push(samples) {
    const { frontend: settings, horizons_frames: horizons, default_horizon_frames: horizon } = this.description;
    const predictions = [];
    for (const { number, values } of this.frontend.push(samples)) {
      const inputs = { log_mel: new ort.Tensor("float32", values, [1, settings.window_frames, settings.mel_bands]) };
      if (this.description.inputs.includes("number")) {
        inputs.number = new ort.Tensor("int64", BigInt64Array.of(BigInt(number)), [1]);
      }
      const { probability } = await this.session.run(inputs);
      const frame = number * settings.window_hop_frames + settings.window_frames - 1 - horizon;
      const t = (frame * settings.hop_samples + settings.frame_samples / 2) / settings.sample_rate_hz;
      predictions.push({ t, p: probability.data[horizons.indexOf(horizon)] });
    }
    return predictions;
  }
}
