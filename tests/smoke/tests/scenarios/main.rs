//! The scenarios, by what they are about.

mod bad_input;
mod machines;
