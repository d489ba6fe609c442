//! Options of commands that read a folder of labelled recordings: how its label files are read.

use anyhow::bail;

use crate::cli::Usage;
use crate::cli::choice::choice;
use crate::corpora::labels::{FaultyLabels, Freestyle, LabelSettings};

#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Labels of a folder")]
pub struct LabelOptions {
    /// Further words of labels that are voice, beside the built-in ones (docs/files.md); * stands for every word that is
    /// not known otherwise
    #[arg(long, value_name = "WORDS", value_delimiter = ',')]
    voice_words: Vec<String>,
    /// Further words of labels that are no voice, likewise
    #[arg(long, value_name = "WORDS", value_delimiter = ',')]
    no_voice_words: Vec<String>,
    /// UltraStar's freestyle notes: voice, no-voice or left-out
    #[arg(long, value_parser = freestyles(), default_value = "voice")]
    freestyle: Freestyle,
    /// Tier of TextGrids, or annotation of JAMS files, by name or number [default: the only one with a known word]
    #[arg(long, value_name = "NAME")]
    label_tier: Option<String>,
    /// Faulty labels (end before start, contradictory, negative, unreadable): refuse, skip-lines or skip-files
    #[arg(long, value_parser = faulty(), default_value = "refuse")]
    faulty_labels: FaultyLabels,
    /// Leave out recordings without labels
    #[arg(long)]
    skip_unlabelled: bool,
}

fn freestyles() -> impl clap::builder::TypedValueParser<Value = Freestyle> {
    choice(&[
        ("voice", Freestyle::Voice),
        ("no-voice", Freestyle::NoVoice),
        ("left-out", Freestyle::LeftOut),
    ])
}

fn faulty() -> impl clap::builder::TypedValueParser<Value = FaultyLabels> {
    choice(&[
        ("refuse", FaultyLabels::Refuse),
        ("skip-lines", FaultyLabels::SkipLines),
        ("skip-files", FaultyLabels::SkipFiles),
    ])
}

impl LabelOptions {
    /// As the keys of an experiment.
    pub fn settings(&self) -> LabelSettings {
        LabelSettings {
            voice_words: self.voice_words.clone(),
            no_voice_words: self.no_voice_words.clone(),
            freestyle: self.freestyle,
            tier: self.label_tier.clone(),
            faulty: self.faulty_labels,
            skip_unlabelled: self.skip_unlabelled,
        }
    }

    /// Refuses the options where an experiment's own keys decide.
    pub fn refuse_for_experiment(&self) -> anyhow::Result<()> {
        if !self.settings().is_default() {
            bail!(Usage(
                "the options for labels are for folders; an experiment has the keys `labels` in its `corpus`".into()
            ));
        }
        Ok(())
    }
}
