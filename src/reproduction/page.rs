//! The report on the tables, as text for a terminal and as a page of Markdown.

use std::fmt::Write as _;

use crate::reporting::markdown;
use crate::reproduction::paper::{COLUMNS, SOURCE};
use crate::reproduction::tables;
use crate::reproduction::tables::Entry;
use crate::training::experiment::{Experiment, ExperimentError};

/// What the page says of itself.
#[derive(Debug)]
pub struct Page<'a> {
    /// The command line that made it.
    pub command: &'a str,
    pub version: &'a str,
    /// As 2022-06-30.
    pub date: &'a str,
    pub machine: &'a str,
    /// What was made shorter than the paper's recipe, if anything.
    pub shortened: Option<&'a str>,
    pub entries: &'a [Entry],
}

impl Page<'_> {
    /// Tables 2 and 3, and why cells are empty.
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
             {SOURCE}. Its networks, trained and measured by vocald {version} on its corpora; this page is \
             the program's own:\n\n\
             ```sh\n{command}\n```\n\n\
             {date}, {machine}. The command may be stopped with Ctrl-C at any time; given again, it goes on \
             after the last whole epoch, and what is finished is neither trained nor measured again.\n"
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

/// Read from the recipe itself, so that it stays true.
fn differences() -> Result<String, ExperimentError> {
    let settings = Experiment::built_in(COLUMNS[0].experiment)?.training;
    let rate = settings.learning_rate;
    Ok(format!(
        "- The paper does not give the first learning rate, the factor by which it falls every {} epochs, the \
         batch and the seeds. Ours are {rate}, {}, {} windows and those of the tables.\n\
         - An epoch is as many windows as the training data holds, one every 71.4 ms, drawn at random with \
         replacement. Early stopping (patience {}) looks at one window in 0.36 s of the validation data.\n\
         - SCNN and Bi-LSTM are trained by the same recipe, not by their authors' own.\n\
         - Where the precision is bfloat16, the convolutions of the training steps computed in 16 bits; the \
         weights, validation and test are float32. A GPU rounds what it multiplies in convolutions of float32 to \
         TF32, as libtorch has it unless told otherwise.\n\
         - The test data is looked at once, by a finished training, at a threshold chosen on validation.\n\
         - Minutes are of the machines named above, the paper's of its own.\n\
         - The paper's figures that are not at hand were not guessed; of its accuracies, the best of \
         each corpus is; its abstract has depth 152 as the best on all four.\n",
        settings.learning_rate_epochs,
        settings.learning_rate_factor,
        settings.batch_windows,
        settings.patience_epochs,
    ))
}
