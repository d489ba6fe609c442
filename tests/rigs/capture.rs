//! Live capture, from ALSA through cpal, the callback and the ring: sample for sample.

use vocald::audio::inventory::input_devices;
use vocald::audio::{
    AudioError, CaptureInstant, SourceEvent, SourceOptions, SourceSpec, StopFlag, spawn,
};
use vocald_client::message::StreamState;

use crate::support::capture_rig::{
    CARD, CHANNELS, PERIOD_FRAMES, Rig, next_event, pattern, read_frames, started,
};

#[test]
fn a_sound_card_is_captured_sample_for_sample() {
    let Some(mut rig) = Rig::new() else { return };

    let cards = input_devices();
    assert_eq!(cards.len(), 1, "{cards:?}");
    assert_eq!(cards[0].id, CARD);
    assert_eq!(cards[0].name, "Test card on a FIFO");

    let options = SourceOptions {
        device_period_frames: Some(PERIOD_FRAMES as u32),
        wait: false,
        ..Default::default()
    };
    let by = |text: &str| {
        format!("device:{text}")
            .parse::<SourceSpec>()
            .unwrap()
            .open(&options)
    };

    // Every way to name a card, and two ways to fail.
    for name in [
        CARD,
        &format!("alsa:{CARD}"),
        "Test card on a FIFO",
        "test CARD",
    ] {
        assert_eq!(by(name).unwrap().label(), "Test card on a FIFO");
    }
    assert_eq!(
        by("vocald_fif0").err().unwrap(),
        AudioError::UnknownDevice {
            requested: "vocald_fif0".into(),
            similar: vec![CARD.into()]
        }
    );
    let absurd = SourceOptions {
        device_channels: Some(100),
        ..options.clone()
    };
    let spec: SourceSpec = format!("device:{CARD}").parse().unwrap();
    let error = spec.open(&absurd).err().unwrap().to_string();
    assert_eq!(
        error,
        "device \"vocald_fifo\" offers no 48000 Hz with 100 channels: `vocald devices` lists what it does"
    );

    let stop = StopFlag::new();
    let before = CaptureInstant::now();
    let source = spawn(by(CARD).unwrap(), stop.clone()).unwrap();
    let mut reader = started(next_event(&source));
    // Half a second: twice what a pipe holds, so it flows while it is captured.
    let played = pattern(94, 1);
    let player = std::thread::spawn({
        let played = played.clone();
        move || {
            rig.play(&played);
            rig
        }
    });
    let captured = read_frames(&mut reader, played.len() / CHANNELS);
    assert!(
        captured == played,
        "the samples captured are not those played"
    );
    let mut rig = player.join().unwrap();

    let health = source.health.snapshot();
    assert_eq!(health.frames_captured, (played.len() / CHANNELS) as u64);
    assert_eq!(
        (health.callbacks, health.frames_lost, health.xruns),
        (94, 0, 0)
    );

    // The stamps are Unix times of now.
    let mut block = Vec::new();
    rig.play(&pattern(1, 2));
    let stamp = reader
        .read_timeout(&mut block, std::time::Duration::from_secs(10))
        .unwrap();
    assert_eq!(block, pattern(1, 2));
    assert!((before..=CaptureInstant::now()).contains(&stamp.captured));

    stop.stop();
    // The driver waits in a read; a last period lets it go.
    rig.play(&pattern(1, 3));
    assert!(
        matches!(next_event(&source), SourceEvent::State(change) if change.state == StreamState::Ended)
    );
    source.join();
}
