//! Reports of measurements and trainings: tables, plots, HTML, Markdown and JSON.
//!
//! [`Report`] holds the measurement, [`tables`] and plots present it, [`report::write`] writes all forms.
//! [`learning_curves`] shows the progress of a training.

mod axes;
mod html;
pub mod learning_curves;
pub mod markdown;
pub mod measure;
mod mel_picture;
mod plots;
pub mod report;
mod svg;
pub mod tables;

pub use mel_picture::MelPicture;
pub use report::Report;
