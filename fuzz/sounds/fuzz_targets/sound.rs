//! A file of any kind: decoded as far as it goes or refused, whatever the libraries do.
#![no_main]

use std::io::{Cursor, Write as _};

use libfuzzer_sys::fuzz_target;
use vocald_fuzz_sounds::audio::Decoder;
use vocald_fuzz_sounds::decode;

fuzz_target!(
    init: {
        // SAFETY: no other thread runs yet. Without ffmpeg, only code of this process is tried.
        unsafe { std::env::set_var("PATH", "") };
    },
    |data: &[u8]| {
        let mut file = tempfile::NamedTempFile::new_in("/dev/shm").expect("a file");
        file.write_all(data).expect("written");
        let from_file = Decoder::open(file.path()).and_then(decode);
        let from_stream = Decoder::from_reader("stream", Cursor::new(data.to_vec())).and_then(decode);
        for error in [from_file, from_stream].into_iter().filter_map(Result::err) {
            assert!(error.to_string().split_whitespace().count() >= 3);
        }
    }
);
