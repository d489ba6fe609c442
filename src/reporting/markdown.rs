//! The report as Markdown.

use std::fmt::Write as _;

use crate::reporting::moments::{MomentRow, NOTE, TITLE};
use crate::reporting::plots::Plot;
use crate::reporting::report::Report;
use crate::reporting::summary::headlines;
use crate::reporting::tables::Table;

/// The whole page.
pub fn page(report: &Report, moments: &[MomentRow], tables: &[Table], plots: &[Plot]) -> String {
    let mut page = format!("# {}\n\n{}\n\n", title(report), about(report));
    for clauses in headlines(report) {
        // Writing to a String cannot fail.
        let _ = writeln!(page, "- {}", clauses.join("; "));
    }
    for plot in plots {
        let _ = write!(page, "\n## {}\n\n![]({}.svg)\n", plot.title, plot.name);
    }
    if !moments.is_empty() {
        let _ = write!(page, "\n## {TITLE}\n\n{NOTE}\n\n");
        page += &line(["track", "error", "time", "length", "sound"].into_iter());
        page += &line(["---", "---", "---", "--:", "---"].into_iter());
    }
    for moment in moments {
        let sound = format!("[{0}]({0})", moment.clip);
        let cells = [
            &moment.track,
            moment.error,
            &moment.span,
            &moment.duration,
            &sound,
        ];
        page += &line(cells.into_iter());
    }
    for table in tables {
        let _ = write!(page, "\n## {}\n\n", table.title);
        if !table.note.is_empty() {
            let _ = write!(page, "{}\n\n", table.note);
        }
        page += &rows(table);
    }
    page
}

/// A table without title and note.
pub fn rows(table: &Table) -> String {
    let mut text = line(table.head.iter().copied());
    let rules = (0..table.head.len()).map(|column| match column < table.numbers_from {
        true => "---",
        false => "--:",
    });
    text += &line(rules);
    for row in &table.rows {
        text += &line(row.iter().map(String::as_str));
    }
    text
}

/// The title: checkpoint, reference system and data.
pub fn title(report: &Report) -> String {
    let reference = report.reference.as_ref();
    let reference = reference.map_or(String::new(), |name| format!(" and {name}"));
    format!("{}{reference} on {}", report.model.name, report.data)
}

/// Checkpoint, data and method in a few sentences.
pub fn about(report: &Report) -> String {
    let model = &report.model;
    let depth = model.depth;
    let depth = depth.map_or(String::new(), |layers| format!(" of depth {layers}"));
    let ensemble = match model.members {
        1 => String::new(),
        members if model.alternating => format!("an alternating ensemble of {members}: "),
        members => format!("an ensemble of {members}: "),
    };
    let split = report.split.as_ref();
    let split = split.map_or(String::new(), |split| format!(", the {split} split"));
    format!(
        "{ensemble}{}{depth} ({:.1} million parameters), measured by vocald {} on {}{split}. Plots, songs and \
         stress tests are at a look-ahead of {:.2} s. report.json contains every number.",
        model.architecture,
        model.parameters as f64 / 1e6,
        report.version,
        report.data,
        model.lookahead_s,
    )
}

fn line<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    let cells: Vec<String> = cells.map(|cell| cell.replace('|', "\\|")).collect();
    format!("| {} |\n", cells.join(" | "))
}
