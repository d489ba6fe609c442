//! Probabilities to states and events, causal.
