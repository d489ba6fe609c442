//! Files and pipes as sources, channels to mono, and what cannot be opened.

use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use vocald::audio::{
    AudioFormat, ChannelChoice, ChannelError, ChannelMap, Encoding, InputDevice, Pace, PcmFormat,
    RingReader, SourceEvent, SourceHandle, SourceOptions, SourceSpec, StopFlag, spawn,
};
use vocald_client::message::{StateChange, StreamState};

const LONG: Duration = Duration::from_secs(20);

fn options() -> SourceOptions {
    let pcm = PcmFormat {
        encoding: Encoding::F32le,
        rate_hz: 8_000,
        channels: 2,
    };
    SourceOptions {
        pace: Pace::Max,
        pcm: Some(pcm),
        ..Default::default()
    }
}

fn start(text: &str, options: &SourceOptions) -> (SourceHandle, RingReader) {
    let source = text.parse::<SourceSpec>().unwrap().open(options).unwrap();
    let source = spawn(source, StopFlag::new()).unwrap();
    loop {
        match source.events.recv_timeout(LONG).unwrap() {
            SourceEvent::Started { format, reader } => {
                assert_eq!(format, reader.format());
                return (source, reader);
            }
            // A FIFO without a writer.
            SourceEvent::State(change) if change.state == StreamState::Waiting => {}
            SourceEvent::State(change) => panic!("{change:?} before Started"),
        }
    }
}

fn drain(reader: &mut RingReader) -> Vec<f32> {
    let (mut all, mut block) = (Vec::new(), Vec::new());
    while let Some(stamp) = reader.read_timeout(&mut block, LONG) {
        assert_eq!(stamp.lost_before_frames, 0);
        all.extend_from_slice(&block);
    }
    assert!(reader.is_closed());
    all
}

fn wav(path: &Path, rate_hz: u32, samples: &[f32]) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: rate_hz,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    samples
        .iter()
        .for_each(|&x| writer.write_sample(x).unwrap());
    writer.finalize().unwrap();
}

fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|n| n as f32 / count as f32).collect()
}

#[test]
fn a_file_at_full_pace_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.wav");
    let samples = numbers(500_000);
    wav(&path, 16_000, &samples);
    // A ring of a tenth of a second, many times smaller than the file.
    let options = SourceOptions {
        ring_s: 0.1,
        ..options()
    };
    let (source, mut reader) = start(path.to_str().unwrap(), &options);
    assert_eq!(
        reader.format(),
        AudioFormat {
            rate_hz: 16_000,
            channels: 1
        }
    );
    assert!(drain(&mut reader) == samples);
    assert!(matches!(
        source.events.recv_timeout(LONG).unwrap(),
        SourceEvent::State(change) if change == StateChange::ended(None)
    ));
    let health = source.health.snapshot();
    assert_eq!((health.frames_captured, health.frames_lost), (500_000, 0));
    source.join();
}

#[test]
fn a_paced_file_takes_its_time_and_stops_on_request() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("short.wav");
    let samples = numbers(8_000);
    wav(&path, 16_000, &samples);
    let options = SourceOptions {
        pace: Pace::RealTime,
        ..options()
    };

    let begin = Instant::now();
    let (source, mut reader) = start(path.to_str().unwrap(), &options);
    assert!(drain(&mut reader) == samples);
    assert!(begin.elapsed() >= Duration::from_millis(500));
    source.join();

    wav(&path, 8_000, &numbers(8_000 * 60));
    let (source, reader) = start(path.to_str().unwrap(), &options);
    source.stop.stop();
    assert!(matches!(
        source.events.recv_timeout(LONG).unwrap(),
        SourceEvent::State(change) if change == StateChange::ended(None)
    ));
    source.join();
    drop(reader);
}

#[test]
fn a_file_that_breaks_on_the_way_fails() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, rate_hz| {
        let path = folder.path().join(name);
        wav(&path, rate_hz, &numbers(22_050));
        std::fs::read(path).unwrap()
    };
    // Of the second file's rate no resampler is made.
    let both = [file("first.wav", 22_050), file("second.wav", 4_000)];
    let path = folder.path().join("changed.wav");
    std::fs::write(&path, both.concat()).unwrap();
    let (source, mut reader) = start(path.to_str().unwrap(), &options());
    assert_eq!(drain(&mut reader).len(), 22_050);
    match source.events.recv_timeout(LONG).unwrap() {
        SourceEvent::State(change) if change.state == StreamState::Failed => {
            let reason = change.reason.unwrap();
            assert!(
                reason.contains("4000 Hz is not within 8000 to 192000 Hz"),
                "{reason}"
            )
        }
        _ => panic!("it should fail"),
    }
    source.join();
}

#[cfg(unix)]
mod fifo {
    use super::*;

    fn make(folder: &Path) -> Option<String> {
        let path = folder.join("fifo");
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        if !made.is_ok_and(|status| status.success()) {
            println!("skipped: there is no mkfifo here");
            return None;
        }
        Some(path.to_str().unwrap().to_owned())
    }

    #[test]
    fn samples_cut_anywhere_arrive_whole_and_the_next_writer_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let Some(path) = make(folder.path()) else {
            return;
        };
        let samples = numbers(100_000);
        let encodings: [(Encoding, Vec<u8>, f32); 3] = [
            (
                Encoding::F32le,
                samples.iter().flat_map(|x| x.to_le_bytes()).collect(),
                0.0,
            ),
            (
                Encoding::S16le,
                samples
                    .iter()
                    .flat_map(|x| ((x * 32_768.0) as i16).to_le_bytes())
                    .collect(),
                1.0 / 32_768.0,
            ),
            (
                Encoding::S32le,
                samples
                    .iter()
                    .flat_map(|x| ((f64::from(*x) * 2_147_483_648.0) as i32).to_le_bytes())
                    .collect(),
                1e-7,
            ),
        ];
        for (encoding, bytes, precision) in encodings {
            let pcm = PcmFormat {
                encoding,
                rate_hz: 8_000,
                channels: 2,
            };
            // The ring is smaller than what is written: the pipe waits, and nothing is lost.
            let options = SourceOptions {
                pcm: Some(pcm),
                ring_s: 0.2,
                ..Default::default()
            };
            let writing = std::thread::spawn({
                let path = path.clone();
                move || {
                    let mut pipe = std::fs::File::options().write(true).open(path).unwrap();
                    for cut in bytes.chunks(1_023) {
                        pipe.write_all(cut).unwrap();
                    }
                    // Not a whole frame: left out, with a warning.
                    pipe.write_all(&[1, 2, 3]).unwrap();
                }
            });
            let (source, mut reader) = start(&format!("fifo:{path}"), &options);
            let received = drain(&mut reader);
            writing.join().unwrap();
            assert_eq!(received.len(), samples.len());
            assert!(
                received
                    .iter()
                    .zip(&samples)
                    .all(|(a, b)| (a - b).abs() <= precision)
            );
            // The next writer is waited for.
            assert_eq!(
                state(&source),
                StateChange::waiting("the program that wrote to the FIFO has left")
            );
            source.stop.stop();
            assert_eq!(state(&source), StateChange::ended(None));
            source.join();
        }
    }

    fn state(source: &SourceHandle) -> StateChange {
        match source.events.recv_timeout(LONG).unwrap() {
            SourceEvent::State(change) => change,
            SourceEvent::Started { .. } => panic!("it starts"),
        }
    }

    fn write(path: &str, bytes: &[u8]) {
        let mut pipe = std::fs::File::options().write(true).open(path).unwrap();
        pipe.write_all(bytes).unwrap();
    }

    #[test]
    fn each_writer_begins_at_a_whole_frame_also_in_a_fifo_that_was_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let Some(path) = make(folder.path()) else {
            return;
        };
        let spec: SourceSpec = format!("fifo:{path}").parse().unwrap();
        let source = spawn(spec.open(&options()).unwrap(), StopFlag::new()).unwrap();
        assert_eq!(
            state(&source),
            StateChange::waiting("no program writes to the FIFO yet")
        );
        for round in 0..3u8 {
            let frame: Vec<u8> = [f32::from(round), 0.5].map(f32::to_le_bytes).concat();
            // A writer that leaves within a frame does not shift the next one's channels.
            write(&path, &[&frame[..], &[9; 5]].concat());
            let SourceEvent::Started { mut reader, .. } = source.events.recv_timeout(LONG).unwrap()
            else {
                panic!("it starts")
            };
            assert_eq!(drain(&mut reader), [f32::from(round), 0.5]);
            assert_eq!(
                state(&source),
                StateChange::waiting("the program that wrote to the FIFO has left")
            );
            if round == 1 {
                std::fs::remove_file(&path).unwrap();
                make(folder.path()).unwrap();
            }
        }
        source.stop.stop();
        assert_eq!(state(&source), StateChange::ended(None));
        source.join();
    }
}

#[test]
fn what_cannot_be_opened_is_said_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file.raw");
    std::fs::write(&file, [0; 100]).unwrap();
    let file = file.to_str().unwrap();
    let error = |text: &str, options: &SourceOptions| match text.parse::<SourceSpec>() {
        Ok(spec) => spec.open(options).err().expect(text).to_string(),
        Err(e) => e.to_string(),
    };
    let without = SourceOptions {
        pcm: None,
        ..options()
    };
    let no_channels = PcmFormat {
        encoding: Encoding::S16le,
        rate_hz: 8_000,
        channels: 0,
    };
    let absurd = SourceOptions {
        pcm: Some(no_channels),
        ..options()
    };
    let names_none = |t: &str| {
        format!(
            "\"{t}\" names no source: write a file's path, device:NAME, fifo:PATH or - for stdin"
        )
    };

    assert_eq!(error("", &options()), names_none(""));
    assert_eq!(error("device:", &options()), names_none("device:"));
    assert_eq!(error("fifo:", &options()), names_none("fifo:"));
    assert_eq!(
        error("no/such.wav", &options()),
        "no/such.wav: there is no such file"
    );
    assert_eq!(
        error("fifo:no/such", &options()),
        "no/such: there is no such FIFO: make it with mkfifo"
    );
    assert_eq!(
        error(&format!("fifo:{file}"), &options()),
        format!("{file} is not a FIFO: a sound file is named by its path alone")
    );
    assert_eq!(
        error("-", &without),
        "stdin gives raw samples: say which with --format, --rate and --channels"
    );
    assert_eq!(
        error("-", &absurd),
        "raw samples cannot have 0 channels at 8000 Hz: both must be at least 1"
    );
    assert_eq!(
        "s20le".parse::<Encoding>().unwrap_err().to_string(),
        "\"s20le\" is not an encoding: choose one of u8, s8, s16le, s16be, s24le, s24be, \
         s24le-in-32, s24be-in-32, s32le, s32be, f32le, f32be, f64le, f64be, alaw, mulaw"
    );
    let at_once = SourceOptions {
        wait: false,
        ..options()
    };
    let unknown = error("device:no such card at all", &at_once);
    assert!(
        unknown.contains("no such card at all") || unknown.contains("no sound card"),
        "{unknown}"
    );
}

#[test]
fn a_source_is_written_as_it_is_read() {
    for (text, spec) in [
        ("device:default", SourceSpec::Device(InputDevice::Default)),
        (
            "device:hw:0,0",
            SourceSpec::Device(InputDevice::Named("hw:0,0".into())),
        ),
        ("fifo:/run/a:b", SourceSpec::Fifo("/run/a:b".into())),
        ("stdin:", SourceSpec::Stdin),
        ("a:b/c.wav", SourceSpec::File("a:b/c.wav".into())),
    ] {
        assert_eq!(text.parse::<SourceSpec>(), Ok(spec.clone()));
        assert_eq!(spec.to_string(), text);
    }
    assert_eq!("-".parse::<SourceSpec>(), Ok(SourceSpec::Stdin));
}

#[test]
fn channels_are_mixed_as_chosen() {
    let frames = [
        0.5,
        -1.0,
        0.25,
        1.0,
        0.0,
        f32::NAN,
        f32::INFINITY,
        0.5,
        1.0,
        2.0,
        f32::MAX,
        4.0,
    ];
    let mix = |text: &str| {
        let choice: ChannelChoice = text.parse().unwrap();
        let mut map = ChannelMap::new(&choice, 3).unwrap();
        let mut mono = Vec::new();
        map.mix(&frames, &mut mono);
        (mono, map.silenced_samples())
    };
    assert_eq!(mix("1"), (vec![0.5, 1.0, 0.0, 2.0], 1));
    assert_eq!(mix("1, 3"), (vec![0.375, 0.5, 0.5, 3.0], 2));
    assert_eq!(mix("all").0[2..], [0.5, 2.0]);
    assert_eq!(mix("all").1, 3);
}

#[test]
fn channels_that_are_not_there_are_refused() {
    for text in ["", "0", "1,1", "1,,2", "one", "70000", "-1"] {
        assert_eq!(
            text.parse::<ChannelChoice>(),
            Err(ChannelError::Text(text.into()))
        );
    }
    let choice: ChannelChoice = "2,5".parse().unwrap();
    assert_eq!(choice.to_string(), "2,5");
    assert_eq!(
        ChannelMap::new(&choice, 2).unwrap_err().to_string(),
        "channel 5 is chosen, but the source has 2: choose from 1 to 2"
    );
    assert_eq!(
        ChannelMap::new(&ChannelChoice::All, 0).err(),
        Some(ChannelError::NoChannels)
    );
}
