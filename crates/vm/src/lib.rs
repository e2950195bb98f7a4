//! The life of a machine: states, events, admission, boot plan, settling.
