//! Random moments, which a seed repeats.

use std::{
    env, thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use smoke::Host;

/// A row of numbers that its seed decides (Marsaglia's xorshift).
pub(crate) struct Random(u64);

impl Random {
    /// Begins the row of `BANGER_SMOKE_SEED`, or of this second, and notes which it is.
    pub(crate) fn begin(host: &Host) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let seed = count(host, "BANGER_SMOKE_SEED", now);
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// The next one, which is less than `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        let Self(state) = self;
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state % bound
    }

    /// Waits for less than `longest`, and returns for how long.
    pub(crate) fn wait_up_to(&mut self, longest: Duration) -> Duration {
        let micros = u64::try_from(longest.as_micros()).unwrap();
        let time = Duration::from_micros(self.below(micros));
        thread::sleep(time);
        time
    }
}

/// What a variable of the environment says, or else this, and notes it.
pub(crate) fn count(host: &Host, name: &str, otherwise: u64) -> u64 {
    let count = env::var(name).map_or(otherwise, |value| value.parse().unwrap());
    host.note(format!("{name}={count}"));
    count
}
