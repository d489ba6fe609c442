//! The sound that the whole program is measured on.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

const RATE_HZ: u32 = 44_100;

/// A WAV file of 16-bit samples: a tone with vibrato, a different one in every channel.
pub fn write_tone(path: &Path, channels: u16, seconds: u32) -> anyhow::Result<()> {
    let bytes = seconds * RATE_HZ * u32::from(channels) * 2;
    let mut file = BufWriter::new(File::create(path)?);
    file.write_all(b"RIFF")?;
    file.write_all(&(36 + bytes).to_le_bytes())?;
    file.write_all(b"WAVEfmt ")?;
    file.write_all(&16u32.to_le_bytes())?;
    file.write_all(&1u16.to_le_bytes())?;
    file.write_all(&channels.to_le_bytes())?;
    file.write_all(&RATE_HZ.to_le_bytes())?;
    file.write_all(&(RATE_HZ * u32::from(channels) * 2).to_le_bytes())?;
    file.write_all(&(channels * 2).to_le_bytes())?;
    file.write_all(&16u16.to_le_bytes())?;
    file.write_all(b"data")?;
    file.write_all(&bytes.to_le_bytes())?;
    for n in 0..seconds * RATE_HZ {
        let t = f64::from(n) / f64::from(RATE_HZ);
        let vibrato = 0.3 * (std::f64::consts::TAU * 5.5 * t).sin();
        for channel in 0..channels {
            let pitch = 220.0 + 10.0 * f64::from(channel);
            let sample = (std::f64::consts::TAU * pitch * t + vibrato).sin();
            file.write_all(&((sample * 8000.0) as i16).to_le_bytes())?;
        }
    }
    Ok(file.flush()?)
}
