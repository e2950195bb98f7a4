//! The rate of the host's time-stamp counter.
//!
//! An emulated guest reads the host's counter. Told its rate, its kernel need not measure it against a
//! timer that a busy host delivers late.

use std::{fs, path::Path, time::Duration};

use model::BootId;
use rustix::time::{ClockId, Timespec, clock_gettime};
use serde::{Deserialize, Serialize};

use super::remember;

const FILE: &str = "tsc.json";
/// How long one measurement takes: 20 ms against the clock's nanoseconds is exact to some ppm.
const SAMPLE: Duration = Duration::from_millis(20);
const SAMPLES: usize = 5;
/// What no counter of a processor that runs a 64-bit Linux lies beyond.
const KHZ_RANGE: std::ops::RangeInclusive<u32> = 100_000..=10_000_000;

#[derive(Debug, Serialize, Deserialize)]
struct Measured {
    host_boot: BootId,
    khz: u32,
}

/// Says the counter's rate in kHz: what was measured in this boot of the host, or measures it now (100 ms)
/// and keeps it in the state directory. `None` where the processor has no counter of a constant rate.
#[must_use]
pub fn khz(state_dir: &Path, host_boot: &BootId) -> Option<u32> {
    let file = state_dir.join(FILE);
    let known: Option<Measured> = remember::recall(&file);
    if let Some(known) = known.filter(|known| known.host_boot == *host_boot) {
        return Some(known.khz);
    }
    let khz = measure()?;
    let fact = Measured { host_boot: host_boot.clone(), khz };
    if let Err(error) = remember::remember(&file, &fact) {
        tracing::warn!(%error, file = %file.display(), "the counter's rate is measured again next time");
    }
    Some(khz)
}

/// Measures the counter's rate in kHz; takes 100 ms. `None` where it has no constant one.
#[must_use]
pub fn measure() -> Option<u32> {
    if !has_constant_rate() {
        return None;
    }
    let mut samples: Vec<u32> = (0..SAMPLES).filter_map(|_| sample()).collect();
    samples.sort_unstable();
    samples.get(samples.len() / 2).copied().filter(|khz| KHZ_RANGE.contains(khz))
}

fn has_constant_rate() -> bool {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let flags = info.lines().find(|line| line.starts_with("flags")).unwrap_or_default();
    flags.split_ascii_whitespace().any(|flag| flag == "constant_tsc")
}

fn sample() -> Option<u32> {
    let (ticks_before, nanos_before) = read_both();
    std::thread::sleep(SAMPLE);
    let (ticks_after, nanos_after) = read_both();
    let ticks = u128::from(ticks_after.checked_sub(ticks_before)?);
    let nanos = nanos_after.checked_sub(nanos_before).filter(|nanos| *nanos > 0)?;
    // Ticks a millisecond.
    u32::try_from(ticks * 1_000_000 / nanos).ok()
}

/// The counter and the clock at one moment: of a few readings the one that took the least time, since
/// another process may have run between the two halves of any.
fn read_both() -> (u64, u128) {
    const READINGS: usize = 5;
    let readings = (0..READINGS).map(|_| {
        let before = read_counter();
        let nanos = nanos(clock_gettime(ClockId::MonotonicRaw));
        let took = read_counter().saturating_sub(before);
        (took, before + took / 2, nanos)
    });
    readings.min().map_or((0, 0), |(_, ticks, nanos)| (ticks, nanos))
}

fn nanos(time: Timespec) -> u128 {
    u128::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000 + u128::try_from(time.tv_nsec).unwrap_or(0)
}

#[expect(unsafe_code, reason = "the counter is read by an instruction")]
fn read_counter() -> u64 {
    // SAFETY: every x86_64 processor has the instruction, and Linux allows it to every process.
    unsafe { core::arch::x86_64::_rdtsc() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_measurements_agree_within_a_thousandth() {
        match (measure(), measure()) {
            (Some(one), Some(two)) => assert!(one.abs_diff(two) * 1000 < one, "{one} {two}"),
            (None, None) => assert!(!has_constant_rate()),
            (one, two) => panic!("{one:?} {two:?}"),
        }
    }

    #[test]
    fn it_is_measured_once_a_boot() {
        let dir = tempfile::tempdir().unwrap();
        let boot: BootId = "0f8b1f0e-7f0e-4a52-9d3c-0d6a8f3c2b11".parse().unwrap();
        let fact = Measured { host_boot: boot.clone(), khz: 123_456 };
        remember::remember(&dir.path().join(FILE), &fact).unwrap();
        assert_eq!(khz(dir.path(), &boot), Some(123_456));
        let next: BootId = "1f8b1f0e-7f0e-4a52-9d3c-0d6a8f3c2b11".parse().unwrap();
        let again = khz(dir.path(), &next);
        assert_ne!(again, Some(123_456));
        assert_eq!(khz(dir.path(), &next), again);
    }
}
