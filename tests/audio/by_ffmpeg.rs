//! What an installed ffmpeg decodes.

use vocald::audio::Decoder;

use crate::tone::{ffmpeg, has_ffmpeg, message, read_all};

#[test]
fn ffmpeg_reads_the_default_track_and_the_others_are_named() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // A tone of 300 Hz and one of 600 Hz, in containers or codecs that only ffmpeg reads.
    let tones =
        "-f lavfi -i sine=300:d=1 -f lavfi -i sine=600:d=1 -f lavfi -i testsrc=d=1:s=32x32:r=5";
    let made = |name: &str, options: &str| {
        ffmpeg(
            folder.path(),
            &format!("{tones} -ar 44100 {options} {name}"),
        )
        .then(|| folder.path().join(name))
    };
    let crossings = |samples: &[f32]| {
        let pairs = samples.windows(2);
        pairs.filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count()
    };
    let both = "-map 0:a -map 1:a";
    let second = "-disposition:a:0 0 -disposition:a:1 default";
    for (name, options, hz, which) in [
        (
            "default.mkv",
            format!("{both} -c:a ac3 {second}"),
            600,
            "the default, number 2 of all tracks",
        ),
        (
            "default.mp4",
            format!("{both} -c:a ac3 {second}"),
            600,
            "the default, number 2 of all tracks",
        ),
        ("none.ts", format!("{both} -c:a mp2"), 300, "the first"),
        (
            "none.avi",
            format!("{both} -c:a pcm_s16le"),
            300,
            "the first",
        ),
        ("none.wma", format!("{both} -c:a wmav2"), 300, "the first"),
    ] {
        let Some(path) = made(name, &options) else {
            continue;
        };
        let mut decoder = Decoder::open(&path).unwrap();
        let note = format!("it has 2 audio tracks, and only one is read: {which}");
        assert_eq!(decoder.notes(), [note], "{name}");
        let samples = read_all(&mut decoder).unwrap();
        let is_second = crossings(&samples) > 500;
        assert_eq!(is_second, hz == 600, "{name}: {}", crossings(&samples));
    }
    if let Some(one) = made("one.avi", "-map 0:a -c:a pcm_s16le") {
        assert!(Decoder::open(&one).unwrap().notes().is_empty());
    }
    if let Some(film) = made("film.avi", "-map 2:v -c:v mpeg4") {
        assert_eq!(
            message(&film),
            "FILE cannot be decoded: it holds no audio track"
        );
    }
}
