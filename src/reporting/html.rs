//! The report as one HTML file without external resources.

use std::fmt::Write as _;

use crate::reporting::markdown::{about, title};
use crate::reporting::plots::Plot;
use crate::reporting::report::Report;
use crate::reporting::svg::{STYLE, escape};
use crate::reporting::tables::{SONGS, Table};

const PAGE_STYLE: &str = "
body { background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif;
  margin: 2rem auto; max-width: 84rem; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
p { max-width: 60rem; color: var(--soft); }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; text-align: left; white-space: nowrap; border-bottom: 1px solid var(--line); }
.n { text-align: right; }
figure { margin: 0 0 1rem; } figure svg { max-width: 100%; height: auto; display: block; }
";

/// The whole page.
pub fn page(report: &Report, tables: &[Table], plots: &[Plot]) -> String {
    let title = escape(&title(report));
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title}</title>\n<style>{STYLE}{PAGE_STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n<p>{}</p>\n",
        escape(&about(report))
    );
    let (songs, others): (Vec<&Table>, Vec<&Table>) =
        tables.iter().partition(|table| table.title == SONGS);
    for table in others {
        page += &section(table);
    }
    for plot in plots {
        // Writing to a String cannot fail.
        let _ = write!(
            page,
            "<h2>{}</h2>\n<figure>{}</figure>\n",
            escape(&plot.title),
            plot.svg.inline()
        );
    }
    for table in songs {
        page += &section(table);
    }
    page + "</body>\n</html>\n"
}

fn section(table: &Table) -> String {
    let mut text = format!("<h2>{}</h2>\n", escape(table.title));
    if !table.note.is_empty() {
        let _ = writeln!(text, "<p>{}</p>", escape(table.note));
    }
    let class = |column: usize| match column < table.numbers_from {
        true => "",
        false => " class=\"n\"",
    };
    text += "<div class=\"table\"><table>\n<thead><tr>";
    for (column, cell) in table.head.iter().enumerate() {
        let _ = write!(text, "<th{}>{}</th>", class(column), escape(cell));
    }
    text += "</tr></thead>\n<tbody>\n";
    for row in &table.rows {
        text += "<tr>";
        for (column, cell) in row.iter().enumerate() {
            let _ = write!(text, "<td{}>{}</td>", class(column), escape(cell));
        }
        text += "</tr>\n";
    }
    text + "</tbody></table></div>\n"
}
