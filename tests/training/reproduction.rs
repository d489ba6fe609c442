//! The tables of `vocald reproduce` for made results: every cell, with one seed and with several.

use vocald::reporting::tables::Table;
use vocald::reproduction::page::Page;
use vocald::reproduction::paper::{ROWS, column, row};
use vocald::reproduction::status::{Status, TestFigures, TestResult};
use vocald::reproduction::tables;
use vocald::reproduction::tables::Entry;
use vocald::training::experiment::Precision;

/// So many right decisions of 100 in each of four songs.
fn measured(right: [u64; 4], minutes: f64) -> Status {
    let accuracy = right.iter().sum::<u64>() as f64 / 400.0;
    Status::Measured(Box::new(TestResult {
        v: 1,
        version: "0.1.0".into(),
        measured_on: "2026-11-23".into(),
        experiment: String::new(),
        checkpoint: "x.safetensors".into(),
        fingerprint: "0".into(),
        parameters: 2_800_000,
        threshold: 0.43,
        validation: [("valid/mir1k/horizon_39/accuracy_raw".into(), 0.9012)].into(),
        test: TestFigures {
            windows: 400,
            accuracy,
            accuracy_median: 0.9,
            always_voice_accuracy: 0.8371,
            auroc: f64::NAN,
            interval: [0.7, 0.95],
            track_accuracy: accuracy,
            tracks: right.map(|n| [n, 100]).to_vec(),
        },
        epochs: 12,
        best_epoch: 7,
        stopped_early: true,
        batches: 11_640,
        seconds: minutes * 60.0,
        precision: Precision::Bfloat16,
        devices: vec!["cpu, 1 thread".into(), "cuda:0".into()],
        machine: "a loom, 2 cores".into(),
    }))
}

fn entry(corpus: &str, network: &str, seed: u64, standing: Status) -> Entry {
    Entry {
        column: column(corpus).unwrap(),
        row: row(network).unwrap(),
        seed,
        standing,
    }
}

fn open(why: &str) -> Status {
    Status::Open(why.into())
}

fn entries() -> Vec<Entry> {
    vec![
        entry("mir1k", "scnn", 1, measured([80; 4], 30.0)),
        entry("mir1k", "scnn", 2, measured([90; 4], 34.0)),
        entry(
            "mir1k",
            "se_resnet-14",
            1,
            measured([100, 100, 60, 60], 61.25),
        ),
        entry(
            "mir1k",
            "se_resnet-14",
            2,
            open("3 of at most 100 epochs done"),
        ),
        entry("mir1k", "se_resnet-18", 1, open("not begun")),
        entry("mir1k", "se_resnet-34", 1, open("not begun")),
        entry("rwc", "scnn", 1, open("data/rwc is not a folder")),
        entry("rwc", "se_resnet-14", 1, open("data/rwc is not a folder")),
    ]
}

const ACCURACY: &str = r#"Table 2: accuracy on the test data
network        whose  MIR-1K                               Jamendo  RWC pop  JRM
scnn           ours   0.850 ± 0.071 [0.850, 0.850]; 0.837  –        –        –
scnn           paper  0.876                                0.868    0.879    0.873
bilstm         paper  0.865                                0.875    0.875    0.878
se_resnet-14   ours   0.800 [0.600, 1.000]; 0.837          –        –        –
se_resnet-14   paper  0.880                                0.890    0.899    0.890
se_resnet-18   paper  0.882                                0.877    0.895    0.890
"#;

#[test]
fn accuracy_has_the_papers_figures_beneath_ours() {
    let text = left(tables::accuracy(&entries()));
    assert!(text.starts_with(ACCURACY), "{text}");
    // A network that was not trained here has no row of its own.
    assert_eq!(text.matches("ours").count(), 2);
    assert_eq!(text.matches("paper").count(), ROWS.len());
}

#[test]
fn cost_has_parameters_and_mean_minutes() {
    let text = left(tables::cost(&entries()));
    for line in [
        "network        whose  parameters",
        "scnn           ours   1.41 ",
        "se_resnet-14   ours   2.80 ",
        "se_resnet-200  ours   81.02 ",
    ] {
        assert!(text.contains(line), "`{line}` in:\n{text}");
    }
    let table = tables::cost(&entries());
    let none = "–";
    let cells = |network: &str| {
        let place = table.rows.iter().position(|r| r[0] == network).unwrap();
        (&table.rows[place][3..], &table.rows[place + 1][2..])
    };
    let (ours, paper) = cells("scnn");
    assert_eq!(ours, ["32.0", none, none, none]);
    // The paper timed its trainings on JRM.
    assert_eq!(paper, ["1.4", none, none, none, "7"]);
    assert_eq!(cells("se_resnet-14").0, ["61.2", none, none, none]);
    assert_eq!(cells("se_resnet-200").1, ["118", none, none, none, "41"]);
}

#[test]
fn a_page_holds_what_was_done_and_what_was_not() {
    let entries = entries();
    let page = Page {
        command: "vocald reproduce --data data",
        version: "0.1.0",
        date: "2026-11-24",
        machine: "a loom, 2 cores",
        shortened: None,
        entries: &entries,
    };
    let text = page.markdown().unwrap();
    for part in [
        "```sh\nvocald reproduce --data data\n```\n\n2026-11-24, a loom, 2 cores. ",
        "| scnn | ours | 0.850 ± 0.071 [0.850, 0.850]; 0.837 | – | – | – |\n",
        "| MIR-1K | se_resnet-14 | 1 | 0.800 | 0.700 to 0.950 | 0.900 | 0.800 | – | 0.837 | 0.901 | 0.43 | 12 (7) | 11640 | 61.2 | bfloat16 | cpu, 1 thread; cuda:0 | 2026-11-23, a loom, 2 cores |\n",
        "- MIR-1K: se_resnet-14 (seed 2): 3 of at most 100 epochs done\n\
         - MIR-1K: se_resnet-18 (seed 1), se_resnet-34 (seed 1): not begun\n\
         - RWC pop: all networks: data/rwc is not a folder\n",
        "falls every 10 epochs, the batch and the seeds. Ours are 0.001, 0.1, 64 windows",
    ] {
        assert!(text.contains(part), "`{part}` in:\n{text}");
    }
    assert!(!text.contains("Shortened"));
    let short = Page {
        shortened: Some("Shortened by --max-epochs 1."),
        ..page
    };
    assert!(
        short
            .markdown()
            .unwrap()
            .contains("\n**Shortened by --max-epochs 1.**\n")
    );
    assert!(short.text().contains("\nShortened by --max-epochs 1.\n"));
}

#[test]
fn a_table_of_nothing_says_so() {
    let page = Page {
        command: "vocald reproduce",
        version: "0.1.0",
        date: "2026-11-24",
        machine: "a loom, 2 cores",
        shortened: None,
        entries: &[],
    };
    let text = page.markdown().unwrap();
    assert!(
        text.contains("## Trainings\n\nNone is finished.\n"),
        "{text}"
    );
    // Each network on four corpora.
    let empty = text.split("## Table 3").next().unwrap();
    assert!(!empty.contains("ours"), "{empty}");
}

/// A table as it is printed, all columns to the left: how wide others are is not looked at here.
fn left(table: Table) -> String {
    let numbers_from = table.head.len();
    Table {
        numbers_from,
        ..table
    }
    .text()
}
