//! The report as an HTML file. It uses nothing but the sound of the worst moments beside it.

use std::fmt::Write as _;

use crate::reporting::markdown::{about, title};
use crate::reporting::moments::{MomentRow, NOTE, TITLE};
use crate::reporting::plots::Plot;
use crate::reporting::report::Report;
use crate::reporting::summary::headlines;
use crate::reporting::svg::{STYLE, escape};
use crate::reporting::tables::{PUBLISHED_MARK, Table};

const PAGE_STYLE: &str = "
body { background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif;
  margin: 2rem auto; max-width: 84rem; padding: 0 1rem; }
h1 { font-size: 1.6rem; overflow-wrap: anywhere; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
p { max-width: 60rem; color: var(--soft); }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; text-align: left; white-space: nowrap; border-bottom: 1px solid var(--line); }
.n { text-align: right; }
tr.published { font-weight: 600; background: color-mix(in srgb, var(--ink) 8%, transparent); }
ul.headline { font-size: 1.05rem; padding-left: 1.2rem; max-width: 60rem; }
audio { height: 1.9rem; vertical-align: middle; }
figure { margin: 0 0 1rem; } figure svg { max-width: 100%; height: auto; display: block; }
@media (max-width: 45rem) { figure { overflow-x: auto; } figure svg { width: 44rem; max-width: none; } }
";

/// The whole page.
pub fn page(report: &Report, moments: &[MomentRow], tables: &[Table], plots: &[Plot]) -> String {
    let title = escape(&title(report));
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title}</title>\n<style>{STYLE}{PAGE_STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n<p>{}</p>\n",
        escape(&about(report))
    );
    page += "<ul class=\"headline\">\n";
    for clauses in headlines(report) {
        // Writing to a String cannot fail.
        let _ = writeln!(page, "<li>{}</li>", escape(&clauses.join("; ")));
    }
    page += "</ul>\n";
    for plot in plots {
        let _ = write!(
            page,
            "<h2>{}</h2>\n<figure>{}</figure>\n",
            escape(&plot.title),
            plot.svg.inline()
        );
    }
    page += &players(moments);
    for table in tables {
        page += &section(table);
    }
    page + "</body>\n</html>\n"
}

/// The worst moments, each with a player.
fn players(moments: &[MomentRow]) -> String {
    if moments.is_empty() {
        return String::new();
    }
    let mut text = format!(
        "<h2>{TITLE}</h2>\n<p>{}</p>\n<div class=\"table\"><table>\n<thead><tr><th>track</th><th>error</th>\
         <th>time</th><th class=\"n\">length</th><th>sound, and where in it the error begins</th></tr></thead>\n<tbody>\n",
        escape(NOTE)
    );
    for moment in moments {
        let _ = writeln!(
            text,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td class=\"n\">{}</td>\
             <td><audio controls preload=\"none\" src=\"{}\"></audio> {}</td></tr>",
            escape(&moment.track),
            moment.error,
            moment.span,
            moment.duration,
            moment.clip,
            moment.clip_at,
        );
    }
    text + "</tbody></table></div>\n"
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
        let is_published = row.iter().any(|cell| cell.ends_with(PUBLISHED_MARK));
        text += if is_published {
            "<tr class=\"published\">"
        } else {
            "<tr>"
        };
        for (column, cell) in row.iter().enumerate() {
            let _ = write!(text, "<td{}>{}</td>", class(column), escape(cell));
        }
        text += "</tr>\n";
    }
    text + "</tbody></table></div>\n"
}
