//! The frontend against librosa, on real music (tests/reference/README.md).

use safetensors::SafeTensors;
use vocald::frontend::{
    CaptureTime, LOG_FLOOR, MEL_BANDS, WINDOW_HOP_FRAMES, Window, WindowLength, Windower,
};

const TOLERANCE: f64 = 1e-4;

#[test]
fn log_mel_equals_librosa_on_music() {
    let bytes = include_bytes!("../reference/log_mel.safetensors");
    let fixture = SafeTensors::deserialize(bytes).unwrap();
    let samples: Vec<f32> = (fixture.tensor("samples").unwrap().data())
        .chunks_exact(2)
        .map(|b| f32::from(i16::from_le_bytes([b[0], b[1]])) / 32768.0)
        .collect();
    let golden: Vec<f64> = (fixture.tensor("log_mel").unwrap().data())
        .chunks_exact(8)
        .map(|b| f64::from_le_bytes(b.try_into().unwrap()))
        .collect();
    let golden_frames = golden.len() / MEL_BANDS;
    // The fixture reaches from the floor of the logarithm to loud music.
    let floor = f64::from(LOG_FLOOR).ln();
    assert!(golden.iter().any(|v| (v - floor).abs() < 1e-6));
    assert!(golden.iter().any(|&v| v > 0.0));

    let mut windows: Vec<Window> = Vec::new();
    Windower::new(WindowLength::FRAMES_80).push(&samples, CaptureTime::default(), &mut windows);

    assert_eq!(
        windows.len(),
        (golden_frames - WindowLength::FRAMES_80.frames()) / WINDOW_HOP_FRAMES + 1
    );
    let mut worst = (0.0, 0, 0, 0);
    for (n, window) in windows.iter().enumerate() {
        let start = n * WINDOW_HOP_FRAMES * MEL_BANDS;
        for (i, (&ours, theirs)) in window
            .log_mel
            .iter()
            .zip(&golden[start..start + WindowLength::FRAMES_80.values()])
            .enumerate()
        {
            let apart = (f64::from(ours) - theirs).abs();
            assert!(apart.is_finite());
            if apart > worst.0 {
                worst = (apart, n, i / MEL_BANDS, i % MEL_BANDS);
            }
        }
    }
    let (apart, window, frame, band) = worst;
    println!("furthest apart: {apart:e} (window {window}, frame {frame}, band {band})");
    assert!(
        apart < TOLERANCE,
        "{apart:e} apart in window {window}, frame {frame}, band {band}"
    );
}
