//! The second output of a model: the probability that somebody speaks.

use serde::{Deserialize, Serialize};

use crate::decision::{OperatingPoint, PointError, Suppression};

/// How a model's probabilities of speech are used. Chosen on validation data, then frozen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpeechOutput {
    /// How they become states: one point for each horizon.
    pub operating_points: Vec<OperatingPoint>,
    /// How they lower the probability of voice; `None`: not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppression: Option<Suppression>,
}

impl SpeechOutput {
    /// Checks every value but the number of points.
    ///
    /// # Errors
    ///
    /// The first rule that is broken.
    pub fn validate(&self) -> Result<(), PointError> {
        self.operating_points
            .iter()
            .try_for_each(OperatingPoint::validate)?;
        self.suppression.map_or(Ok(()), |rule| rule.validate())
    }
}
