//! The paper's tables 2 and 3 with its figures and ours, and a table of the trainings.

use std::collections::BTreeMap;

use crate::evaluation::ratio_with_interval;
use crate::model::Architecture;
use crate::reporting::tables::Table;
use crate::reproduction::paper::{COLUMNS, ROWS, Row};
use crate::reproduction::status::{Status, TestResult};
use crate::training::experiment::Precision;

/// The cell of a figure that does not exist.
const NONE: &str = "–";
/// The corpus of the paper's table 3.
const TIMED_CORPUS: &str = "jrm";

/// A training of the tables.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Index in [`COLUMNS`].
    pub column: usize,
    /// Index in [`ROWS`].
    pub row: usize,
    /// Seed of the training.
    pub seed: u64,
    /// Progress or result.
    pub standing: Status,
}

impl Entry {
    fn result(&self) -> Option<&TestResult> {
        match &self.standing {
            Status::Measured(result) => Some(result),
            Status::Open(_) => None,
        }
    }
}

/// The finished trainings of a network on a corpus.
fn results(entries: &[Entry], column: usize, row: usize) -> Vec<&TestResult> {
    let of_cell = entries
        .iter()
        .filter(|e| (e.column, e.row) == (column, row));
    of_cell.filter_map(Entry::result).collect()
}

/// Table 2: accuracy on the test data.
pub fn accuracy(entries: &[Entry]) -> Table {
    let mut rows = Vec::new();
    for (place, network) in ROWS.iter().enumerate() {
        let ours = |column| accuracy_of(&results(entries, column, place));
        if (0..COLUMNS.len()).any(|column| !results(entries, column, place).is_empty()) {
            rows.push(line(&network.name(), "ours", columns(ours)));
        }
        let paper = |column: usize| format!("{:.3}", network.accuracy[column]);
        rows.push(line(&network.name(), "paper", columns(paper)));
    }
    Table {
        title: "Table 2: accuracy on the test data",
        note: "Share of right decisions, one every 71.4 ms, each against the threshold that was chosen on \
               validation, without smoothing. In brackets the 95 % interval of a bootstrap over songs; ± \
               the standard deviation over seeds, if there are several. After the semicolon the accuracy \
               of the constant decision \"voice\" on the same decisions: networks of windows have no \
               output for the ends of a song, the Bi-LSTM has, and short clips begin and end without a voice.",
        head: head(&["network", "whose"]),
        rows,
        numbers_from: 2,
    }
}

/// Accuracy of the seeds of a cell: mean, standard deviation, and an interval over songs.
fn accuracy_of(results: &[&TestResult]) -> String {
    let Some(first) = results.first() else {
        return NONE.into();
    };
    let accuracies: Vec<f64> = results.iter().map(|r| r.test.accuracy).collect();
    let mut text = format!("{:.3}", mean(&accuracies));
    if results.len() > 1 {
        text += &format!(" ± {:.3}", deviation(&accuracies));
    }
    // Seeds that were measured on different songs have no common interval.
    let same = |r: &&TestResult| totals(r).eq(totals(first));
    if results.iter().all(same) {
        let songs: Vec<[f64; 2]> = (0..first.test.tracks.len())
            .map(|song| {
                let [right, all] = [0, 1].map(|part| {
                    let counts = results.iter().map(|r| r.test.tracks[song][part] as f64);
                    counts.sum::<f64>()
                });
                [right, all]
            })
            .collect();
        let [_, low, high] = ratio_with_interval(&songs);
        text += &format!(" [{low:.3}, {high:.3}]");
    }
    text += &format!("; {:.3}", first.test.always_voice_accuracy);
    text
}

fn totals(result: &TestResult) -> impl Iterator<Item = u64> {
    result.test.tracks.iter().map(|track| track[1])
}

/// Table 3: parameters, and minutes per training.
pub fn cost(entries: &[Entry]) -> Table {
    let mut rows = Vec::new();
    for (place, network) in ROWS.iter().enumerate() {
        let Some([ours, paper]) = parameters_m(network) else {
            continue;
        };
        let minutes = |column| {
            let results = results(entries, column, place);
            match results.is_empty() {
                true => NONE.into(),
                false => {
                    let minutes: Vec<f64> = results.iter().map(|r| r.seconds / 60.0).collect();
                    format!("{:.1}", mean(&minutes))
                }
            }
        };
        let mut cells = vec![ours];
        cells.extend(columns(minutes));
        rows.push(line(&network.name(), "ours", cells));
        let mut cells = vec![paper];
        cells.extend(columns(|column| match COLUMNS[column].name {
            TIMED_CORPUS => network.minutes.to_string(),
            _ => NONE.into(),
        }));
        rows.push(line(&network.name(), "paper", cells));
    }
    Table {
        title: "Table 3: millions of parameters, and minutes per training",
        note: "Minutes of all epochs of a training, validation included, as a mean over seeds; machine and \
               number of epochs are below.",
        head: head(&["network", "whose", "parameters"]),
        rows,
        numbers_from: 2,
    }
}

/// The parameters of ours and of the paper's network, in millions.
fn parameters_m(network: &Row) -> Option<[String; 2]> {
    let family = network.family().ok()?;
    let architecture = Architecture {
        family,
        members: 1,
        horizons: 1,
        speech: false,
    };
    let ours = architecture.parameters() as f64 / 1e6;
    Some([
        format!("{ours:.2}"),
        family.paper_parameters_m().to_string(),
    ])
}

/// One row for each finished training.
pub fn trainings(entries: &[Entry]) -> Table {
    let mut measured: Vec<(&Entry, &TestResult)> = entries
        .iter()
        .filter_map(|entry| Some((entry, entry.result()?)))
        .collect();
    measured.sort_by_key(|(e, _)| (e.column, e.row, e.seed));
    let row = |(entry, result): (&Entry, &TestResult)| {
        let test = &result.test;
        let validation: Vec<String> = result.validation.values().map(|x| decimal(*x)).collect();
        let ended = match result.stopped_early {
            true => "",
            false => ", the most allowed",
        };
        vec![
            COLUMNS[entry.column].title.to_owned(),
            ROWS[entry.row].name(),
            entry.seed.to_string(),
            decimal(test.accuracy),
            test.interval.map(decimal).join(" to "),
            decimal(test.accuracy_median),
            decimal(test.track_accuracy),
            decimal(test.auroc),
            decimal(test.always_voice_accuracy),
            validation.join(", "),
            format!("{:.2}", result.threshold),
            format!("{}{ended} ({})", result.epochs, result.best_epoch),
            result.batches.to_string(),
            format!("{:.1}", result.seconds / 60.0),
            match result.precision {
                Precision::Float32 => "float32".to_owned(),
                Precision::Bfloat16 => "bfloat16".to_owned(),
            },
            match result.devices.is_empty() {
                true => "not recorded".to_owned(),
                false => result.devices.join("; "),
            },
            format!("{}, {}", result.measured_on, result.machine),
        ]
    };
    Table {
        title: "Trainings",
        note: "Accuracy, its 95 % interval over songs, the same after a centred median of 0.8 s, and the mean \
               over songs, all on the test data; a song is a file of the corpus, which for MIR-1K is a clip. \
               Validation at the same threshold, one value per corpus. In brackets the epoch whose weights \
               were kept. Precision is that of the convolutions in training steps; validation and test are \
               float32.",
        head: vec![
            "corpus",
            "network",
            "seed",
            "accuracy",
            "95 %",
            "median",
            "by song",
            "AUROC",
            "always \"voice\"",
            "validation",
            "threshold",
            "epochs",
            "batches",
            "minutes",
            "precision",
            "trained on",
            "measured",
        ],
        rows: measured.into_iter().map(row).collect(),
        numbers_from: 2,
    }
}

/// The reasons for empty cells: `MIR-1K: se_resnet-34, se_resnet-50: not begun`.
pub fn open(entries: &[Entry]) -> Vec<String> {
    let mut seeds: Vec<u64> = entries.iter().map(|e| e.seed).collect();
    seeds.sort_unstable();
    seeds.dedup();
    let mut groups: BTreeMap<usize, Vec<(&str, Vec<String>)>> = BTreeMap::new();
    for entry in entries {
        let Status::Open(why) = &entry.standing else {
            continue;
        };
        let name = match seeds.len() {
            1 => ROWS[entry.row].name(),
            _ => format!("{} (seed {})", ROWS[entry.row].name(), entry.seed),
        };
        let reasons = groups.entry(entry.column).or_default();
        match reasons.iter_mut().find(|(known, _)| known == why) {
            Some((_, names)) => names.push(name),
            None => reasons.push((why, vec![name])),
        }
    }
    let mut lines = Vec::new();
    for (column, reasons) in groups {
        let all = entries.iter().filter(|e| e.column == column).count();
        for (why, names) in reasons {
            let whose = match names.len() == all {
                true => "all networks".to_owned(),
                false => names.join(", "),
            };
            lines.push(format!("{}: {whose}: {why}", COLUMNS[column].title));
        }
    }
    lines
}

fn head(first: &[&'static str]) -> Vec<&'static str> {
    let columns = COLUMNS.iter().map(|column| column.title);
    first.iter().copied().chain(columns).collect()
}

fn columns(cell: impl Fn(usize) -> String) -> Vec<String> {
    (0..COLUMNS.len()).map(cell).collect()
}

fn line(network: &str, whose: &str, cells: Vec<String>) -> Vec<String> {
    let mut line = vec![network.to_owned(), whose.to_owned()];
    line.extend(cells);
    line
}

/// Three decimals; a dash for NaN.
fn decimal(x: f64) -> String {
    match x.is_finite() {
        true => format!("{x:.3}"),
        false => "–".into(),
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Sample standard deviation.
fn deviation(values: &[f64]) -> f64 {
    let mean = mean(values);
    let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
    (squares / (values.len() as f64 - 1.0)).sqrt()
}
