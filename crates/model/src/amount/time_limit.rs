//! Time limits as people type them.

use std::{
    fmt::{self, Write as _},
    str::FromStr,
    time::Duration,
};

use crate::ParseError;

/// A time limit: `90`, `90s`, `5m`, `1h30m`, `500ms`. A bare number is seconds. More than nothing, and a year at
/// most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeLimit(Duration);

const LIMIT_MAX: Duration = Duration::from_hours(24 * 365);

/// Milliseconds of each unit, the largest first.
const UNITS: [(&str, u64); 5] =
    [("d", 24 * 3600 * 1000), ("h", 3600 * 1000), ("m", 60 * 1000), ("s", 1000), ("ms", 1)];

impl TimeLimit {
    /// Returns how long it is.
    #[must_use]
    pub fn duration(self) -> Duration {
        self.0
    }
}

impl fmt::Display for TimeLimit {
    /// Writes it so that it reads as the same: `1h30m`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        let mut text = String::new();
        for (unit, millis) in UNITS {
            if left >= millis {
                write!(text, "{}{unit}", left / millis)?;
                left %= millis;
            }
        }
        f.pad(&text)
    }
}

impl FromStr for TimeLimit {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let bad = |why| ParseError::new(text, "a time limit", why);
        let total = read(text).ok_or_else(|| bad("it must be like 90s, 5m, 1h30m or 500ms"))?;
        if total.is_zero() {
            return Err(bad("it must be more than nothing"));
        }
        if total > LIMIT_MAX {
            return Err(bad("it is longer than a year"));
        }
        Ok(Self(total))
    }
}

fn read(text: &str) -> Option<Duration> {
    if let Ok(secs) = text.parse::<u32>() {
        return (!text.starts_with('+')).then(|| Duration::from_secs(secs.into()));
    }
    let mut rest = text;
    let mut total = Duration::ZERO;
    let mut last_unit = u64::MAX;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let count: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (_, millis) = UNITS.into_iter().find(|(unit, _)| *unit == &rest[..letters])?;
        // Larger units first, each once: `1h30m`, and not `30m1h` or `5m5m`.
        if millis >= last_unit {
            return None;
        }
        last_unit = millis;
        total = total.checked_add(Duration::from_millis(count.checked_mul(millis)?))?;
        rest = &rest[letters..];
    }
    (last_unit != u64::MAX).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_limits_are_read_as_people_type_them() {
        let table: &[(&str, Option<u64>)] = &[
            ("90", Some(90_000)),
            ("90s", Some(90_000)),
            ("5m", Some(300_000)),
            ("1h30m", Some(5_400_000)),
            ("500ms", Some(500)),
            ("1d", Some(86_400_000)),
            ("0", None),
            ("0s", None),
            ("", None),
            ("s", None),
            ("-1s", None),
            ("+1", None),
            ("1.5s", None),
            ("5 m", None),
            ("30m1h", None),
            ("5m5m", None),
            ("5min", None),
            ("1h30", None),
            ("400d", None),
            ("99999999999999999999s", None),
            ("é", None),
        ];
        for (text, want) in table {
            let read = text.parse::<TimeLimit>().ok();
            assert_eq!(read.map(|limit| limit.0.as_millis()), want.map(u128::from), "{text:?}");
        }
    }

    #[test]
    fn what_is_written_reads_as_the_same() {
        for (text, written) in
            [("90", "1m30s"), ("1h30m", "1h30m"), ("500ms", "500ms"), ("365d", "365d"), ("86400", "1d")]
        {
            let limit: TimeLimit = text.parse().unwrap();
            assert_eq!(limit.to_string(), written);
            assert_eq!(written.parse(), Ok(limit));
        }
    }
}
