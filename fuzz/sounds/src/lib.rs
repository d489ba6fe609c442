//! The decoder by itself, from the program's own files: fuzzing it needs neither libtorch nor ALSA.

// Parts that only the rest of the program uses.
#[allow(dead_code)]
#[path = "../../../src/audio"]
pub mod audio {
    mod decode;
    mod error;
    mod format;
    mod pcm {
        mod format;

        pub use self::format::{Encoding, PcmFormat};
    }

    pub use self::decode::Decoder;
    pub use self::error::AudioError;
    pub use self::format::AudioFormat;
    pub use self::pcm::{Encoding, PcmFormat};
}

use audio::{AudioError, Decoder};

/// Samples of a sound at most: a header may stand for hours of silence.
const MAX_SAMPLES: usize = 1 << 24;

/// Decodes a sound to its end and checks each block.
///
/// # Errors
/// Those of the decoder.
pub fn decode(mut decoder: Decoder) -> Result<(), AudioError> {
    let mut samples = 0;
    while let Some(block) = decoder.next_block()? {
        samples += block.len();
        assert!(!block.is_empty());
        let length = block.len();
        assert_eq!(length % usize::from(decoder.format().channels), 0);
        if samples > MAX_SAMPLES {
            break;
        }
    }
    Ok(())
}
