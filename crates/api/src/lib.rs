//! Contract 1: what the CLI asks of bangerd, and a client.
