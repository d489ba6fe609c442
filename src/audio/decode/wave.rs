//! WAV and its relatives: RIFF, RIFX, RF64, BW64, Wave64, AIFF and AIFC.
//!
//! Only the format chunk and the sound chunk matter, whatever else lies between them, padded or
//! not. Sizes are believed as far as the file bears them out.

mod adpcm;
mod chunks;
mod data;
mod find;
mod format;
mod sound;

use self::adpcm::AdpcmBlocks;
use self::data::Data;
use self::format::Codec;
use self::sound::PcmSound;
use super::elementary::{Elementary, Syntax};
use super::failure::Failure;
use super::input::Input;
use super::packets::PacketReader;
use super::{MAX_CHANNELS, SoundReader};

pub(super) use self::chunks::Dialect;

/// The reader of a file in this dialect, whose first byte is next.
pub(super) fn open(input: Input, dialect: Dialect) -> Result<Box<dyn SoundReader>, Failure> {
    let data = Data::open(input, dialect)?;
    let format = data.format().clone();
    let channels = format.channels;
    if channels > MAX_CHANNELS {
        return Err(Failure::broken(format!(
            "it declares {channels} channels, and at most {MAX_CHANNELS} are read"
        )));
    }
    Ok(match format.codec {
        Codec::Pcm(_) | Codec::PcmIn32Bits => Box::new(PcmSound::new(data)?),
        Codec::Adpcm(_) => Box::new(PacketReader::new(AdpcmBlocks::new(data, &format))?),
        Codec::Mpeg => frames(data, Syntax::Mpeg)?,
        Codec::Adts => frames(data, Syntax::Adts)?,
        Codec::Unknown(what) => return Err(Failure::Unsupported(what)),
    })
}

fn frames(data: Data, syntax: Syntax) -> Result<Box<dyn SoundReader>, Failure> {
    let frames = Elementary::new(data.into_input(), syntax);
    Ok(Box::new(PacketReader::new(frames)?))
}
