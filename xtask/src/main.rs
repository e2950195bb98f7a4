//! House rules as tests, benchmarks, releases.

fn main() {}
