//! Strikes every operation of an update on a host that is not real: what holds afterwards holds whatever happens.

mod sweep;
mod world;
