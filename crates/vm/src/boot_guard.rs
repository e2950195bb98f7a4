//! Whether a boot hangs, and whether it is tried again.
//!
//! Under emulation on a busy host a kernel may stop for ever while it measures its clocks, without a
//! word. A boot that prints nothing new for long is killed and tried once more. So is one whose guest is
//! reset before its kernel prints at all: that was seen once in some thousand emulated boots, and why was not
//! found. From the moment the agent answers the guard is over.

use std::time::Duration;

use crate::boot_plan::Accel;

/// How patient the guard is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest time in which the console may stay as it is.
    pub silence_max: Duration,
    /// The longest time from the monitor's start to the agent's answer, whatever is printed.
    pub boot_max: Duration,
    /// How often a boot is tried at most.
    pub attempts_max: u8,
}

impl Limits {
    /// The limits for a monitor with this accelerator.
    ///
    /// Generous, since one that is killed in error costs a whole boot: the longest that a healthy one was seen
    /// to print nothing is 3.5 s, under emulation on two cores with eight processes that wanted them.
    #[must_use]
    pub fn of(accel: Accel) -> Self {
        let silence_secs = match accel {
            // KVM within an emulated computer is slower than emulation, and userspace may print nothing.
            Accel::Kvm => 60,
            Accel::Emulated => 20,
        };
        Self {
            silence_max: Duration::from_secs(silence_secs),
            boot_max: Duration::from_mins(4),
            attempts_max: 2,
        }
    }
}

/// What is known of a boot while its agent has not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watched {
    /// Since the monitor was started.
    pub since_start: Duration,
    /// Since the console last grew, or since the start where it has not.
    pub since_growth: Duration,
    /// Which attempt this is, from 1.
    pub attempt: u8,
}

/// Why a boot is taken for hanging.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hang {
    /// Nothing new on the console.
    Silent,
    /// The agent did not answer in time, though the console grew.
    TooLong,
}

/// What is to be done about a boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Judgement {
    /// Look again, after this time at the latest.
    Wait(Duration),
    /// Kill what is left of it, count it, and boot again.
    Retry(Hang),
    /// Kill what is left of it; the start failed.
    GiveUp(Hang),
}

/// Judges a boot whose agent has not answered.
#[must_use]
pub fn judge(limits: &Limits, watched: &Watched) -> Judgement {
    let silence_left = limits.silence_max.saturating_sub(watched.since_growth);
    let boot_left = limits.boot_max.saturating_sub(watched.since_start);
    let hang = match (silence_left.is_zero(), boot_left.is_zero()) {
        (false, false) => return Judgement::Wait(silence_left.min(boot_left)),
        (true, _) => Hang::Silent,
        (false, true) => Hang::TooLong,
    };
    // What printed all along does not hang in the kernel, and a second try would take as long again.
    if hang == Hang::Silent && watched.attempt < limits.attempts_max {
        Judgement::Retry(hang)
    } else {
        Judgement::GiveUp(hang)
    }
}

/// Whether a boot whose monitor ended before its agent answered is tried again.
///
/// `is_clean` is whether it ended as for a guest that is reset or powers off, and with no error of its own.
#[must_use]
pub fn is_worth_a_retry(limits: &Limits, attempt: u8, is_clean: bool, has_printed: bool) -> bool {
    is_clean && !has_printed && attempt < limits.attempts_max
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_boot_is_tried_once_more_and_a_long_one_is_not() {
        let limits = Limits {
            silence_max: Duration::from_secs(20),
            boot_max: Duration::from_secs(100),
            attempts_max: 2,
        };
        let wait = |secs| Judgement::Wait(Duration::from_secs(secs));
        let table = [
            (0, 0, 1, wait(20)),
            (50, 5, 1, wait(15)),
            (95, 1, 1, wait(5)),
            (20, 20, 1, Judgement::Retry(Hang::Silent)),
            (60, 25, 1, Judgement::Retry(Hang::Silent)),
            (20, 20, 2, Judgement::GiveUp(Hang::Silent)),
            (20, 20, 3, Judgement::GiveUp(Hang::Silent)),
            (100, 0, 1, Judgement::GiveUp(Hang::TooLong)),
            (100, 20, 1, Judgement::Retry(Hang::Silent)),
            (900, 900, 2, Judgement::GiveUp(Hang::Silent)),
        ];
        for (start, growth, attempt, want) in table {
            let watched = Watched {
                since_start: Duration::from_secs(start),
                since_growth: Duration::from_secs(growth),
                attempt,
            };
            assert_eq!(judge(&limits, &watched), want, "{watched:?}");
        }
    }
    #[test]
    fn a_reset_without_a_word_is_tried_once_more_and_no_other_end_is() {
        let limits = Limits { attempts_max: 2, ..Limits::of(Accel::Emulated) };
        assert!(is_worth_a_retry(&limits, 1, true, false));
        assert!(!is_worth_a_retry(&limits, 2, true, false));
        assert!(!is_worth_a_retry(&limits, 1, true, true));
        assert!(!is_worth_a_retry(&limits, 1, false, false));
    }
}
