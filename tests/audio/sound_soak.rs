//! Thousands of mutated sounds of every format: none ends the process, hangs or fills memory.
//!
//! `make mutate` runs it. `MUTATIONS` and `SEED` choose how many and which. With an installed ffmpeg it takes longer:
//! formats that only ffmpeg reads are mutated too, and what is refused here is tried there.

use std::collections::BTreeMap;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use vocald::audio::{AudioError, Decoder};

use crate::tone::{ffmpeg, has_ffmpeg, sound, sounds, write};

/// No file takes more of the processor's time.
const LIMIT: Duration = Duration::from_secs(10);
/// Resident memory of this process, and of each ffmpeg, at most, in MiB.
const LIMIT_MIB: u64 = 500;
/// What only ffmpeg reads, with its options.
const BY_FFMPEG: [(&str, &str); 10] = [
    ("x.wma", "-c:a wmav2"),
    ("x.avi", "-c:a libmp3lame"),
    ("x.ts", "-c:a mp2"),
    ("x.wv", "-c:a wavpack"),
    ("x.tta", "-c:a tta"),
    ("x.au", "-c:a pcm_s16be"),
    ("x.flv", "-c:a libmp3lame"),
    ("x.mka", "-c:a ac3"),
    ("x.rm", "-c:a ac3"),
    ("x.mxf", "-f mxf_opatom -ar 48000 -c:a pcm_s16le"),
];

struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % end.max(1)
    }
}

/// A few bytes replaced, removed, doubled, or taken from another sound; half of it in headers.
fn mutate(random: &mut Random, sounds: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = sounds[random.below(sounds.len())].clone();
    for _ in 0..1 + random.below(8) {
        let reach = if random.below(2) == 0 {
            bytes.len().min(600)
        } else {
            bytes.len()
        };
        let at = random.below(reach);
        let run = 1 + random.below(40);
        match random.below(7) {
            0 => bytes[at] = random.below(256) as u8,
            1 => bytes[at] ^= 1 << random.below(8),
            2 => {
                let value = [0, 0xFF, 0x7F, 0x80][random.below(4)];
                let end = (at + [1, 2, 4, 8][random.below(4)]).min(bytes.len());
                bytes[at..end].fill(value);
            }
            3 => drop(bytes.drain(at..(at + run).min(bytes.len()))),
            4 => {
                let copy = bytes[at..(at + run).min(bytes.len())].to_vec();
                bytes.splice(at..at, copy);
            }
            5 => {
                let other = &sounds[random.below(sounds.len())];
                let from = random.below(other.len());
                let part = &other[from..(from + run * 20).min(other.len())];
                bytes.splice(at..at, part.iter().copied());
            }
            _ => bytes.truncate(at.max(1)),
        }
        if bytes.is_empty() {
            bytes.push(0);
        }
    }
    bytes
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(otherwise)
}

/// Processor time of this thread and of its processes that have ended, which a loaded machine hardly changes.
fn busy() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32) + of_ffmpeg().0
}

/// Processor time of all processes that have ended, and the largest resident memory of one in MiB.
fn of_ffmpeg() -> (Duration, u64) {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the call fills the structure, which all zeros are a value of too.
    let usage = unsafe {
        libc::getrusage(libc::RUSAGE_CHILDREN, usage.as_mut_ptr());
        usage.assume_init()
    };
    let time = |t: libc::timeval| Duration::new(t.tv_sec as u64, 1000 * t.tv_usec as u32);
    (
        time(usage.ru_utime) + time(usage.ru_stime),
        usage.ru_maxrss as u64 / 1024,
    )
}

/// Peak of the process's resident memory.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}

#[test]
#[ignore = "minutes"]
fn mutated_sounds_neither_end_the_process_nor_hang_nor_fill_memory() {
    let mut files: Vec<_> = std::fs::read_dir(sounds())
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    files.sort();
    let mut seeds: Vec<_> = files
        .iter()
        .filter(|path| path.extension().is_some_and(|extension| extension != "sh"))
        .map(|path| sound(path.file_name().unwrap().to_str().unwrap()))
        .collect();
    let (mutations, seed) = (number("MUTATIONS", 5000), number("SEED", 1));
    let mut random = Random(seed);
    let folder = tempfile::tempdir().unwrap();
    if has_ffmpeg() {
        std::fs::write(folder.path().join("tone.flac"), sound("tone.flac")).unwrap();
        for (name, options) in BY_FFMPEG {
            if ffmpeg(folder.path(), &format!("-i tone.flac {options} {name}")) {
                seeds.push(std::fs::read(folder.path().join(name)).unwrap());
            }
        }
    }
    let mut outcomes: BTreeMap<&str, u64> = BTreeMap::new();
    let mut slowest = Duration::ZERO;
    let mut panics: BTreeMap<String, u64> = BTreeMap::new();
    for n in 0..mutations {
        let bytes = mutate(&mut random, &seeds);
        let path = write(folder.path(), "mutated", &bytes);
        let start = busy();
        let outcome = Decoder::open(&path).and_then(|mut decoder| {
            while decoder.next_block()?.is_some() {}
            Ok(decoder.damaged().is_some())
        });
        let taken = busy() - start;
        slowest = slowest.max(taken);
        if taken > LIMIT {
            std::fs::write(
                std::env::temp_dir().join(format!("slow-{seed}-{n}")),
                &bytes,
            )
            .unwrap();
        }
        let name = match outcome {
            Ok(false) => "decoded",
            Ok(true) => "decoded, with damage stated",
            Err(AudioError::Panicked { reason, .. }) => {
                *panics.entry(reason).or_default() += 1;
                "a library panicked, contained"
            }
            Err(_) => "refused",
        };
        *outcomes.entry(name).or_default() += 1;
    }
    eprintln!(
        "{mutations} mutations of {} sounds, seed {seed}",
        seeds.len()
    );
    outcomes
        .iter()
        .for_each(|(name, count)| eprintln!("  {count:6} {name}"));
    panics
        .iter()
        .for_each(|(reason, count)| eprintln!("  {count:6} {reason}"));
    eprintln!(
        "  slowest {:.3} s, peak {} MiB, of an ffmpeg {} MiB",
        slowest.as_secs_f64(),
        peak_mib(),
        of_ffmpeg().1
    );
    assert!(slowest < LIMIT);
    assert!(peak_mib().max(of_ffmpeg().1) < LIMIT_MIB);
}
