//! Options of `detect`.

use std::ffi::OsString;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

use crate::audio::{ChannelChoice, Encoding, PcmFormat};
use crate::cli::Usage;
use crate::cli::choice::choice;
use crate::cli::counts;
use crate::cli::decision_options::DecisionOptions;
use crate::cli::detect::batch::Ending;
use crate::cli::detect::formats::Format;
use crate::cli::detect::inputs::{Inputs, read_list};
use crate::cli::detect::outputs::Outputs;
use crate::cli::detect::shard::Shard;
use crate::corpora::labels::WrittenFormat;
use crate::pipeline::recording::ReadOptions;

/// The manifest in the folder of the labels.
const MANIFEST: &str = "manifest.jsonl";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Sound files, folders to search for sound files, FIFOs, or - for standard input
    #[arg(required_unless_present = "list", value_name = "FILE|FOLDER|-")]
    inputs: Vec<OsString>,
    /// Further files and folders, one name a line in this file; - is standard input
    #[arg(long, value_name = "FILE", help_heading = "Sounds")]
    list: Option<PathBuf>,
    /// Names in --list end with a NUL, and so do the lines of --verdict
    #[arg(short = '0', long, help_heading = "Sounds")]
    null: bool,
    /// Label the K-th of N parts only; each sound is in one part, by its name
    #[arg(long, value_name = "K/N", help_heading = "Sounds")]
    pub shard: Option<Shard>,
    /// Average these channels, numbered from 1, as 1,2 [default: all]
    #[arg(
        long,
        value_name = "CHANNELS",
        default_value = "all",
        hide_default_value = true,
        help_heading = "Sounds"
    )]
    use_channels: ChannelChoice,
    /// The sounds are raw samples of this format; folders are searched for .raw and .pcm [default: recognised by
    /// content]
    #[arg(
        long,
        value_name = "FORMAT",
        value_parser = choice(&Encoding::ALL.map(|encoding| (encoding.name(), encoding))),
        requires_all = ["rate", "channels"],
        help_heading = "Sounds"
    )]
    raw: Option<Encoding>,
    /// Raw samples: sample rate in Hz
    #[arg(long, value_name = "HZ", value_parser = clap::value_parser!(u32).range(1..), requires = "raw", help_heading = "Sounds")]
    rate: Option<u32>,
    /// Raw samples: number of channels
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), requires = "raw", help_heading = "Sounds")]
    channels: Option<u16>,
    /// Write the labels below this folder, created if missing; they keep the paths of the sounds below the folder
    /// that all inputs share [default: print the labels of one sound]
    #[arg(
        long,
        value_name = "DIR",
        conflicts_with = "beside",
        help_heading = "Labels"
    )]
    out: Option<PathBuf>,
    /// Write the labels beside the sounds
    #[arg(long, help_heading = "Labels")]
    beside: bool,
    /// Label formats, separated by commas, see below [default: lab]
    #[arg(long, value_delimiter = ',', value_parser = choice(&Format::all()), help_heading = "Labels")]
    format: Vec<Format>,
    /// Label formats lab and audacity: label speech too, beside singing. Needs a model with an output for speech
    #[arg(long, help_heading = "Labels")]
    pub speech: bool,
    /// Replace label files that vocald did not write, or that were changed since
    #[arg(long, help_heading = "Labels")]
    overwrite: bool,
    /// Print one line a sound: sung, spoken (by a model with an output for speech), instrumental or too_short, the share of its time with voice, and its path
    #[arg(long, help_heading = "Labels")]
    verdict: bool,
    /// Record every sound in this file of JSON lines; with --shard K/N, -K-of-N is added to its name [default:
    /// manifest.jsonl in the folder of --out]
    #[arg(long, value_name = "FILE", help_heading = "Large collections")]
    manifest: Option<PathBuf>,
    /// Skip sounds that the manifest records as done, with the same size, time, model, settings and formats
    #[arg(long, help_heading = "Large collections")]
    pub skip_done: bool,
    /// Sounds labelled at the same time [default: all cores]
    #[arg(long, value_name = "N", value_parser = counts::threads::<NonZeroUsize>, help_heading = "Large collections")]
    pub jobs: Option<NonZeroUsize>,
    /// Threads that run the network, together on each sound [default: all cores; one on a GPU]. On a CPU with AVX2 or
    /// AVX-512, labels do not depend on it; elsewhere the last digits of probabilities may
    #[arg(long, value_name = "N", value_parser = counts::threads::<NonZeroUsize>, help_heading = "Speed")]
    pub threads: Option<NonZeroUsize>,
    /// Run the network on every N-th window only and fill the decisions between from its other outputs: faster, less
    /// accurate; at most 8. Where it has no output for a window, the last prediction is held, and a warning counts these
    /// windows [default: 1, every window]
    #[arg(long, value_name = "N", value_parser = counts::every::<NonZeroU64>, help_heading = "Speed")]
    pub every: Option<NonZeroU64>,
    /// Decide as `vocald run` on the same sound: with the checkpoint's default look-ahead, in place of its longest
    #[arg(long, conflicts_with = "every", help_heading = "Decision")]
    pub live: bool,
    #[command(flatten)]
    pub decision: DecisionOptions,
}

const EXAMPLES: &str = "\
Decides with the longest look-ahead of the checkpoint; with --live exactly as `vocald run` on the same sound. \
Checkpoints of bilstm, which `run` cannot use, work here.

Formats:
  lab       `start end sing|nosing` lines in seconds that cover the whole file; --speech adds `speech`
  audacity  `start end voice` lines separated by tabs: an Audacity label track; --speech adds `speech`
  csv       `t,p,voice` rows, one per decision, 14 a second
  json      events, decisions, and the file, model and version behind them
  textgrid  a Praat TextGrid with the tier `voice`
  With an output for speech, csv has `speech_p,speech` too, json its events and textgrid a tier.
  srt, vtt  subtitles, one for each voice
  lrc       a line of lyrics for each voice
  xtiming   timing marks for xLights

Examples:
  vocald detect song.ogg
  vocald detect album/ --out labels/ --format lab,csv
  vocald detect album/ --beside --format audacity
  vocald detect archive/ --verdict
  ffmpeg -i film.mkv -f wav - | vocald detect -
  find archive/ -name '*.flac' -print0 | vocald detect --list - --null --out labels/ --skip-done
  vocald detect song.ogg --lookahead 0.2      with at most 0.2 s of look-ahead";

/// Where labels go.
pub enum Destination {
    /// To standard output, of one sound in one format.
    Printed(Format),
    /// Into files.
    Files,
    /// Nowhere: the verdicts or the manifest are enough.
    Nowhere,
}

impl Destination {
    /// The format that is printed.
    pub fn printed(&self) -> Option<Format> {
        match self {
            Self::Printed(format) => Some(*format),
            Self::Files | Self::Nowhere => None,
        }
    }
}

impl Args {
    /// The sounds.
    pub fn inputs(&self) -> anyhow::Result<Inputs> {
        let mut names = self.inputs.clone();
        if let Some(list) = &self.list {
            names.extend(read_list(list, self.null)?);
        }
        let raw = self.raw.is_some();
        let inputs = Inputs::new(names, raw, self.beside, self.shard);
        if inputs.read_stdin() {
            self.check_stdin()?;
        }
        Ok(inputs)
    }

    fn check_stdin(&self) -> Result<(), Usage> {
        if self
            .list
            .as_deref()
            .is_some_and(|list| list.as_os_str() == "-")
        {
            return Err(Usage(
                "standard input is the list already, so it cannot be a sound".into(),
            ));
        }
        if self.beside {
            return Err(Usage(
                "standard input has no folder: use --out in place of --beside".into(),
            ));
        }
        Ok(())
    }

    /// Where the labels of one sound or of `several` go.
    pub fn destination(&self, several: bool) -> Result<Destination, Usage> {
        if let Some(out) = self
            .out
            .as_ref()
            .filter(|out| out.exists() && !out.is_dir())
        {
            return Err(Usage(format!(
                "--out {} is a file, not a folder",
                out.display()
            )));
        }
        if self.skip_done && self.manifest_path().is_none() {
            return Err(Usage(
                "--skip-done needs a manifest: name one with --manifest".into(),
            ));
        }
        let files = self.out.is_some() || self.beside;
        if self.null && self.list.is_none() && !self.verdict {
            return Err(Usage("--null applies to --list and --verdict".into()));
        }
        if self.overwrite && !files {
            return Err(Usage("--overwrite applies to --out and --beside".into()));
        }
        let formats = self.formats();
        for (place, format) in formats.iter().enumerate() {
            let same = |other: &&Format| other.extension() == format.extension();
            if let Some(other) = formats[..place].iter().find(same) {
                return Err(Usage(format!(
                    "{} and {} would have the same name: give one of them",
                    other.name(),
                    format.name()
                )));
            }
        }
        if files {
            return Ok(Destination::Files);
        }
        if self.verdict || self.manifest.is_some() {
            if !self.format.is_empty() {
                return Err(Usage(
                    "--format needs a folder: name one with --out, or use --beside".into(),
                ));
            }
            return Ok(Destination::Nowhere);
        }
        match (several, formats.as_slice()) {
            (false, [format]) => Ok(Destination::Printed(*format)),
            (false, _) => Err(Usage(
                "several formats need a folder: name one with --out, or use --beside".into(),
            )),
            (true, _) => Err(Usage(
                "several files need a folder: name one with --out, or use --beside".into(),
            )),
        }
    }

    /// Refuses options that have no effect on networks of whole recordings.
    pub fn check_whole_recordings(&self, model: &str) -> Result<(), Usage> {
        let given = [
            ("--threads", self.threads.is_some()),
            ("--every", self.every.is_some()),
            ("--live", self.live),
        ];
        match given.iter().find(|(_, given)| *given) {
            Some((option, _)) => Err(Usage(format!(
                "{option} applies to networks of windows; {model} processes whole recordings, --jobs at a time"
            ))),
            None => Ok(()),
        }
    }

    fn formats(&self) -> Vec<Format> {
        match self.format.is_empty() {
            true => vec![Format::LabelFile(WrittenFormat::Lab)],
            false => self.format.clone(),
        }
    }

    /// The label files, if labels go there.
    pub fn outputs(&self, destination: &Destination) -> Option<Outputs> {
        matches!(destination, Destination::Files).then(|| Outputs {
            folder: self.out.clone().unwrap_or_default(),
            formats: self.formats(),
            overwrite: self.overwrite,
            speech: self.speech,
        })
    }

    /// How verdicts end, if they are printed.
    pub fn verdicts(&self) -> Option<Ending> {
        let ending = if self.null { Ending::Nul } else { Ending::Line };
        self.verdict.then_some(ending)
    }

    /// The manifest, before the shard is added to its name.
    pub fn manifest_path(&self) -> Option<PathBuf> {
        let own = self.out.as_ref().map(|out| out.join(MANIFEST));
        self.manifest.clone().or(own)
    }

    /// How sounds are read.
    pub fn read_options(&self) -> ReadOptions {
        let raw = match (self.raw, self.rate, self.channels) {
            (Some(encoding), Some(rate_hz), Some(channels)) => Some(PcmFormat {
                encoding,
                rate_hz,
                channels,
            }),
            _ => None,
        };
        ReadOptions {
            channels: self.use_channels.clone(),
            raw,
        }
    }
}
