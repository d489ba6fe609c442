//! Corpora, networks and figures of the paper.
//!
//! Unknown figures are `None` and appear as such in the tables. To complete them, add them here from
//! <http://scitepress.net/publishedPapers/2022/119246/pdf/index.html> or the proceedings. The numbers of parameters are
//! those of [`Family::paper_parameters_m`].

use crate::model::{Family, FamilyError};

/// Citation of the paper.
pub const SOURCE: &str = "Gui, Xia, Gong, Wang, Chen, Zhang: \"Singing Voice Detection Based on a Deeper \
     Convolutional Neural Network\", ISAIC 2022";

/// A corpus of the paper, a column of its tables.
#[derive(Debug, PartialEq)]
pub struct Column {
    /// Name on the command line.
    pub name: &'static str,
    /// Name in tables.
    pub title: &'static str,
    /// Name of the built-in experiment with the paper's recipe.
    pub experiment: &'static str,
    /// The best accuracy of this column in the paper's table 2, from the paper's text. By its abstract, depth 152 is the
    /// best on all four corpora.
    pub best_accuracy: f64,
}

/// The corpora.
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

/// A network of the paper, a row of its tables. Figures are in the order of [`COLUMNS`].
#[derive(Debug, PartialEq)]
pub struct Row {
    /// Name of the family.
    pub architecture: &'static str,
    /// Layers, if the family has several depths.
    pub depth: Option<u32>,
    /// Accuracies of the paper's table 2.
    pub accuracy: [Option<f64>; 4],
    /// Minutes per training of the paper's table 3.
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

    /// Name on the command line, in folders and in tables: `scnn`, `se_resnet-14`.
    pub fn name(&self) -> String {
        match self.depth {
            Some(layers) => format!("{}-{layers}", self.architecture),
            None => self.architecture.into(),
        }
    }

    /// The network.
    ///
    /// # Errors
    ///
    /// The program does not have this network.
    pub fn family(&self) -> Result<Family, PaperError> {
        Family::named(self.architecture, self.depth).map_err(|reason| PaperError::NoNetwork {
            name: self.name(),
            reason,
        })
    }
}

/// A corpus or a network that is not available.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PaperError {
    /// The paper has no such corpus.
    #[error("`{0}` is no corpus of the paper: {names}", names = COLUMNS.map(|c| c.name).join(", "))]
    Corpus(String),
    /// The paper has no such network.
    #[error("`{0}` is no network of the paper's tables: {names}", names = row_names())]
    Network(String),
    /// The program does not have this network of the paper.
    #[error("{name} is {reason}")]
    NoNetwork {
        /// Name in the tables.
        name: String,
        /// What is wrong with it.
        reason: FamilyError,
    },
}

/// The networks.
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

/// The index of a corpus in [`COLUMNS`].
///
/// # Errors
///
/// [`PaperError::Corpus`].
pub fn column(name: &str) -> Result<usize, PaperError> {
    let index = COLUMNS.iter().position(|c| c.name == name);
    index.ok_or_else(|| PaperError::Corpus(name.to_owned()))
}

/// The index of a network in [`ROWS`], by [`Row::name`].
///
/// # Errors
///
/// [`PaperError::Network`] or [`PaperError::NoNetwork`].
pub fn row(name: &str) -> Result<usize, PaperError> {
    let index = ROWS.iter().position(|row| row.name() == name);
    let index = index.ok_or_else(|| PaperError::Network(name.to_owned()))?;
    ROWS[index].family()?;
    Ok(index)
}

fn row_names() -> String {
    ROWS.each_ref().map(Row::name).join(", ")
}
