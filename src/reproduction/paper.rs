//! What the paper reports: its corpora, its networks, and as many of its figures as are at hand.
//!
//! Figures that are not at hand are `None`, and the tables say so; to complete them, fill them in
//! here, from <http://scitepress.net/publishedPapers/2022/119246/pdf/index.html> or the proceedings.
//! The numbers of parameters are those of [`Family::paper_parameters_m`].

use crate::model::Family;

pub const SOURCE: &str = "Gui, Xia, Gong, Wang, Chen, Zhang: \"Singing Voice Detection Based on a Deeper \
     Convolutional Neural Network\", ISAIC 2022";

/// A corpus of the paper, a column of its tables.
#[derive(Debug, PartialEq)]
pub struct Column {
    /// For the command line.
    pub name: &'static str,
    pub title: &'static str,
    /// The paper's recipe on it, by its name in the program.
    pub experiment: &'static str,
    /// The best accuracy of the paper's table 2 in this column, from the paper's text. Its abstract
    /// has depth 152 as the best of all four.
    pub best_accuracy: f64,
}

pub const COLUMNS: [Column; 4] = [
    Column {
        name: "mir1k",
        title: "MIR-1K",
        experiment: "paper-mir1k",
        best_accuracy: 0.882,
    },
    Column {
        name: "jamendo",
        title: "Jamendo",
        experiment: "paper-jamendo",
        best_accuracy: 0.897,
    },
    Column {
        name: "rwc",
        title: "RWC pop",
        experiment: "paper-rwc",
        best_accuracy: 0.912,
    },
    Column {
        name: "jrm",
        title: "JRM",
        experiment: "paper-jrm",
        best_accuracy: 0.901,
    },
];

/// A network of the paper, a row of its tables; figures in the order of [`COLUMNS`].
#[derive(Debug, PartialEq)]
pub struct Row {
    pub architecture: &'static str,
    pub depth: Option<u32>,
    /// Of the paper's table 2.
    pub accuracy: [Option<f64>; 4],
    /// Of the paper's table 3: minutes that a training took.
    pub minutes: [Option<f64>; 4],
}

impl Row {
    const fn new(architecture: &'static str, depth: Option<u32>) -> Self {
        Self {
            architecture,
            depth,
            accuracy: [None; 4],
            minutes: [None; 4],
        }
    }

    /// For the command line, folders and tables: `scnn`, `se_resnet-14`.
    pub fn name(&self) -> String {
        match self.depth {
            Some(layers) => format!("{}-{layers}", self.architecture),
            None => self.architecture.into(),
        }
    }

    /// The network, where the program has it. The error is a sentence.
    pub fn family(&self) -> Result<Family, String> {
        Family::named(self.architecture, self.depth)
            .map_err(|wrong| format!("{} is {wrong}", self.name()))
    }
}

pub const ROWS: [Row; 9] = [
    Row::new("scnn", None),
    Row::new("bilstm", None),
    Row::new("se_resnet", Some(14)),
    Row::new("se_resnet", Some(18)),
    Row::new("se_resnet", Some(34)),
    Row::new("se_resnet", Some(50)),
    Row::new("se_resnet", Some(101)),
    Row::new("se_resnet", Some(152)),
    Row::new("se_resnet", Some(200)),
];

/// The place of a corpus in [`COLUMNS`]. The error is a sentence.
pub fn column(name: &str) -> Result<usize, String> {
    let place = COLUMNS.iter().position(|c| c.name == name);
    let names = COLUMNS.map(|c| c.name).join(", ");
    place.ok_or_else(|| format!("`{name}` is no corpus of the paper: {names}"))
}

/// The place of a network in [`ROWS`], by its name. The error is a sentence.
pub fn row(name: &str) -> Result<usize, String> {
    let place = ROWS.iter().position(|row| row.name() == name);
    let names: Vec<String> = ROWS.iter().map(Row::name).collect();
    let names = names.join(", ");
    let place =
        place.ok_or_else(|| format!("`{name}` is no network of the paper's tables: {names}"))?;
    ROWS[place].family()?;
    Ok(place)
}
