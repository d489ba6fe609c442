//! The sounds to label, of which the first two are known beforehand.

use std::collections::VecDeque;

use crate::cli::detect::inputs::{Inputs, Job, Jobs};
use crate::cli::detect::passed_over::PassedOver;

/// The sounds of a job, in order.
pub struct Queue<'a> {
    first: VecDeque<anyhow::Result<Job>>,
    rest: Jobs<'a>,
}

impl<'a> Queue<'a> {
    /// Finds the first two sounds.
    pub fn new(inputs: &'a Inputs) -> Self {
        let mut rest = inputs.jobs();
        Self {
            first: rest.by_ref().take(2).collect(),
            rest,
        }
    }

    /// Whether there is more than one sound, or something is wrong with more than one.
    pub fn has_several(&self) -> bool {
        self.first.len() > 1
    }

    /// What was passed over so far.
    pub fn passed_over(&self) -> &PassedOver {
        &self.rest.passed_over
    }
}

impl Iterator for Queue<'_> {
    type Item = anyhow::Result<Job>;

    fn next(&mut self) -> Option<Self::Item> {
        self.first.pop_front().or_else(|| self.rest.next())
    }
}
