//! The agent in each guest, and the link on the host.

fn main() {}
