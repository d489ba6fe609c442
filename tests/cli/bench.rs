//! `vocald bench`.

use serde_json::Value;

use crate::support::program::{run, vocald};
use crate::support::speaking::speaking;

#[test]
fn every_stage_of_a_checkpoint_with_speech_is_measured() {
    let folder = tempfile::tempdir().unwrap();
    let model = speaking(folder.path(), false);
    let line = "bench --json --device cpu --precision float32 --passes 3 --model";
    let output = run(vocald(line).arg(model));
    assert_eq!(output.code, Some(0), "{}", output.err);
    let figures: Value = serde_json::from_str(&output.out).unwrap();
    let stages: Vec<&str> = figures["stages"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|stage| stage["median_ms"].as_f64().unwrap() > 0.0)
        .map(|stage| stage["stage"].as_str().unwrap())
        .collect();
    assert_eq!(
        stages,
        [
            "capture to ring, 48 kHz stereo",
            "channel mix, 48 kHz stereo",
            "resampler, 48 kHz",
            "STFT and mel",
            "forward pass, untrained, float32, 1 at once",
            "forward pass, untrained, float32, 4 at once",
            "forward pass, untrained, float32, 16 at once",
            "decision",
            "publish, one sink",
        ]
    );
}
