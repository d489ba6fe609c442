//! The tables of the paper, made again: its networks trained and measured on its corpora.
//!
//! [`paper`] holds the paper's figures, [`plan`] says which trainings there are and in what order,
//! [`status`] how far each is, [`measure`] tests a finished one, [`tables`] and [`page`] show
//! them, [`machine`] names what they ran on.

pub mod machine;
pub mod measure;
pub mod page;
pub mod paper;
pub mod plan;
pub mod run;
pub mod status;
pub mod tables;
