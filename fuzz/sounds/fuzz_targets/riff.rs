//! WAV and its relatives from a stream and from a file: the reader never panics.
#![no_main]

use std::io::{Cursor, Write as _};

use libfuzzer_sys::fuzz_target;
use vocald_fuzz_sounds::audio::{AudioError, Decoder};
use vocald_fuzz_sounds::decode;

/// Beginnings of all dialects.
const MARKS: [(&[u8], &[u8]); 6] = [
    (b"RIFF", b"WAVE"),
    (b"RIFX", b"WAVE"),
    (b"RF64", b"WAVE"),
    (b"riff\x2E\x91\xCF\x11", b""),
    (b"FORM", b"AIFF"),
    (b"FORM", b"AIFC"),
];

fuzz_target!(
    init: {
        // SAFETY: no other thread runs yet. Without ffmpeg, only code of this process is tried.
        unsafe { std::env::set_var("PATH", "") };
    },
    |data: &[u8]| {
        let Some((&dialect, content)) = data.split_first() else {
            return;
        };
        let (mark, kind) = MARKS[usize::from(dialect) % MARKS.len()];
        let mut bytes = content.to_vec();
        bytes.resize(bytes.len().max(12), 0);
        bytes[..mark.len()].copy_from_slice(mark);
        bytes[8..8 + kind.len()].copy_from_slice(kind);
        check(Decoder::from_reader("stream", Cursor::new(bytes.clone())));
        let mut file = tempfile::NamedTempFile::new_in("/dev/shm").expect("a file");
        file.write_all(&bytes).expect("written");
        check(Decoder::open(file.path()));
    }
);

fn check(decoder: Result<Decoder, AudioError>) {
    // Symphonia's codecs may.
    if let Err(AudioError::Panicked { reason, .. }) = decoder.and_then(decode)
        && reason.contains("decode/")
    {
        panic!("the reader panicked: {reason}");
    }
}
