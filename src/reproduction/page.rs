//! The report on the tables, as text and as Markdown.

use std::fmt::Write as _;

use crate::reporting::markdown;
use crate::reproduction::paper::{COLUMNS, SOURCE};
use crate::reproduction::tables;
use crate::reproduction::tables::Entry;
use crate::training::experiment::{Experiment, ExperimentError};

/// The content of the report.
#[derive(Debug)]
pub struct Page<'a> {
    /// The command line that produced it.
    pub command: &'a str,
    /// Version of the program.
    pub version: &'a str,
    /// As 2022-06-30.
    pub date: &'a str,
    /// The computer.
    pub machine: &'a str,
    /// A sentence on what was shortened in the paper's recipe, if anything.
    pub shortened: Option<&'a str>,
    /// The trainings.
    pub entries: &'a [Entry],
}

impl Page<'_> {
    /// Tables 2 and 3 and the reasons for empty cells, for a terminal.
    pub fn text(&self) -> String {
        let mut text = tables::accuracy(self.entries).text();
        let _ = write!(text, "\n{}", tables::cost(self.entries).text());
        if let Some(shortened) = self.shortened {
            let _ = write!(text, "\n{shortened}\n");
        }
        let open = tables::open(self.entries);
        if !open.is_empty() {
            let _ = write!(text, "\nNot trained here\n{}\n", open.join("\n"));
        }
        text
    }

    /// All tables, the reasons for empty cells, and the differences from the paper.
    ///
    /// # Errors
    ///
    /// The built-in experiment is invalid.
    pub fn markdown(&self) -> Result<String, ExperimentError> {
        let Self {
            command,
            version,
            date,
            machine,
            ..
        } = self;
        let mut page = format!(
            "# The paper's tables, made again\n\n\
             {SOURCE}. Its networks, trained and measured by vocald {version} on its corpora. This command \
             wrote the page:\n\n\
             ```sh\n{command}\n```\n\n\
             {date}, {machine}. Ctrl-C stops the command at any time. The same command resumes after the last \
             completed epoch; finished trainings are neither trained nor measured again.\n"
        );
        if let Some(shortened) = self.shortened {
            let _ = write!(page, "\n**{shortened}**\n");
        }
        for table in [
            tables::accuracy(self.entries),
            tables::cost(self.entries),
            tables::trainings(self.entries),
        ] {
            let _ = write!(page, "\n## {}\n\n", table.title);
            match table.rows.is_empty() {
                true => page += "None is finished.\n",
                false => {
                    let rows = markdown::rows(&table);
                    let _ = write!(page, "{}\n\n{rows}", table.note);
                }
            }
        }
        let open = tables::open(self.entries);
        if !open.is_empty() {
            page += "\n## Not trained here\n\n";
            for line in open {
                let _ = writeln!(page, "- {line}");
            }
        }
        let _ = write!(
            page,
            "\n## What differs from the paper\n\n{}",
            differences()?
        );
        Ok(page)
    }
}

/// The differences from the paper, with the settings of the built-in recipe.
fn differences() -> Result<String, ExperimentError> {
    let settings = Experiment::built_in(COLUMNS[0].experiment)?.training;
    let rate = settings.learning_rate;
    Ok(format!(
        "- The paper does not give the first learning rate, the factor by which it falls every {} epochs, the \
         batch and the seeds. Ours are {rate}, {}, {} windows and those of the tables.\n\
         - An epoch is as many windows as the training data holds, one every 71.4 ms, drawn at random with \
         replacement. Early stopping (patience {}) uses one window in 0.36 s of the validation data.\n\
         - SCNN and Bi-LSTM are trained by the same recipe, not by their authors' own.\n\
         - With precision bfloat16 the convolutions of the training steps are computed in 16 bits; weights, \
         validation and test are float32. On a GPU, the factors of float32 convolutions are rounded to TF32, \
         libtorch's default.\n\
         - Each finished training is measured on the test data once, at a threshold chosen on validation.\n\
         - Minutes are those of the machines named above; the paper's are those of a TITAN XP, on JRM alone.\n",
        settings.learning_rate_epochs,
        settings.learning_rate_factor,
        settings.batch_windows,
        settings.patience_epochs,
    ))
}
