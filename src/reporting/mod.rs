//! Reports of measurements and trainings: tables, plots, HTML, Markdown and JSON.

mod html;
pub mod learning_curves;
pub mod markdown;
pub mod measure;
mod mel_picture;
mod plots;
pub mod report;
pub mod svg;
pub mod tables;

pub use mel_picture::MelPicture;
pub use report::Report;
