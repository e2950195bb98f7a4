//! Scenarios against real machines.
