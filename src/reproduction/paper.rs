//! Corpora, networks and figures of the paper.
//!
//! Accuracies are the paper's table 2, minutes its table 3, which is of JRM alone. The numbers of parameters are those of
//! [`Family::paper_parameters_m`]. <http://scitepress.net/publishedPapers/2022/119246/pdf/index.html>

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
}

/// The corpora.
pub const COLUMNS: [Column; 4] = [
    Column {
        name: "mir1k",
        title: "MIR-1K",
        experiment: "paper-mir1k",
    },
    Column {
        name: "jamendo",
        title: "Jamendo",
        experiment: "paper-jamendo",
    },
    Column {
        name: "rwc",
        title: "RWC pop",
        experiment: "paper-rwc",
    },
    Column {
        name: "jrm",
        title: "JRM",
        experiment: "paper-jrm",
    },
];

/// A network of the paper, a row of its tables.
#[derive(Debug, PartialEq)]
pub struct Row {
    /// Name of the family.
    pub architecture: &'static str,
    /// Layers, if the family has several depths.
    pub depth: Option<u32>,
    /// Accuracies of the paper's table 2, in the order of [`COLUMNS`].
    pub accuracy: [f64; 4],
    /// Minutes per training on JRM, of the paper's table 3.
    pub minutes: f64,
}

impl Row {
    const fn se_resnet(depth: u32, accuracy: [f64; 4], minutes: f64) -> Self {
        Self {
            architecture: "se_resnet",
            depth: Some(depth),
            accuracy,
            minutes,
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

/// The networks. The paper quotes SCNN on Jamendo from Lee, Choi & Nam, ISMIR 2018.
pub const ROWS: [Row; 9] = [
    Row {
        architecture: "scnn",
        depth: None,
        accuracy: [0.876, 0.868, 0.879, 0.873],
        minutes: 7.0,
    },
    Row {
        architecture: "bilstm",
        depth: None,
        accuracy: [0.865, 0.875, 0.875, 0.878],
        minutes: 97.0,
    },
    Row::se_resnet(14, [0.880, 0.890, 0.899, 0.890], 8.0),
    Row::se_resnet(18, [0.882, 0.877, 0.895, 0.890], 10.0),
    Row::se_resnet(34, [0.881, 0.897, 0.891, 0.891], 14.0),
    Row::se_resnet(50, [0.869, 0.877, 0.912, 0.899], 18.0),
    Row::se_resnet(101, [0.870, 0.846, 0.910, 0.897], 24.0),
    Row::se_resnet(152, [0.880, 0.885, 0.901, 0.901], 29.0),
    Row::se_resnet(200, [0.873, 0.881, 0.900, 0.887], 41.0),
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
