//! The host: processes, directories, clocks, probes.
