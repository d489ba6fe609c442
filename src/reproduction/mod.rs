//! Reproduction of the paper's tables: its networks trained and measured on its corpora.
//!
//! [`paper`] holds the paper's figures, [`plan`] the trainings and their order, [`status`] their progress and results.
//! [`measure`] tests a finished training, [`tables`] and [`page`] present the results, [`machine`] names the computer.

mod error;
pub mod machine;
pub mod measure;
pub mod page;
pub mod paper;
pub mod plan;
pub mod run;
pub mod status;
pub mod tables;

pub use error::ReproductionError;
