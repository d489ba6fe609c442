//! Reports of measurements and trainings: tables, plots, HTML, Markdown and JSON.
//!
//! [`Report`] holds the measurement, [`tables`] and plots present it, [`summary`] is for a terminal, and
//! [`report::write`] writes all other forms.
//! [`learning_curves`] shows the progress of a training.

pub(crate) mod axes;
pub mod clip;
mod html;
pub mod learning_curves;
pub mod markdown;
pub mod measure;
mod mel_picture;
mod moments;
mod plots;
pub mod report;
mod stress_tables;
pub mod summary;
pub(crate) mod svg;
pub mod tables;

pub use mel_picture::MelPicture;
pub use report::Report;
