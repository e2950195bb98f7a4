//! Times and amounts as people read them.

use std::time::Duration;

use jiff::Timestamp;

/// How long ago, in one unit: `5s`, `3m`, `2h`, `9d`.
pub(crate) fn ago(then: Timestamp, now: Timestamp) -> String {
    let secs = now.duration_since(then).as_secs().max(0);
    match secs {
        0..60 => format!("{secs}s"),
        60..3600 => format!("{}m", secs / 60),
        3600..86400 => format!("{}h", secs / 3600),
        _ => format!("{}d", secs / 86400),
    }
}

/// A time that was taken: `0.4s`, `12.0s`, `2m05s`.
pub(crate) fn elapsed(took: Duration) -> String {
    let secs = took.as_secs();
    if secs < 60 {
        format!("{secs}.{}s", took.subsec_millis() / 100)
    } else {
        format!("{}m{:02}s", secs / 60, secs % 60)
    }
}

/// An amount with one digit behind the point: `1.5 GiB`.
pub(crate) fn bytes(amount: u64) -> String {
    const UNITS: [(&str, u64); 4] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match UNITS.iter().find(|(_, unit)| amount >= *unit) {
        Some((name, unit)) => {
            let tenths = (u128::from(amount) * 10 + u128::from(unit / 2)) / u128::from(*unit);
            format!("{}.{} {name}", tenths / 10, tenths % 10)
        }
        None => format!("{amount} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_and_times_are_short() {
        assert_eq!(
            [0, 1023, 1024, 1_600_000_000, u64::MAX].map(bytes),
            ["0 B", "1023 B", "1.0 KiB", "1.5 GiB", "16777216.0 TiB"]
        );
        assert_eq!(
            [0, 1250, 59_999, 125_000].map(|ms| elapsed(Duration::from_millis(ms))),
            ["0.0s", "1.2s", "59.9s", "2m05s"]
        );
        let then = Timestamp::from_second(1_000_000).unwrap();
        let at = |secs: i64| ago(then, Timestamp::from_second(1_000_000 + secs).unwrap());
        assert_eq!([-5, 0, 59, 60, 7200, 200_000].map(at), ["0s", "0s", "59s", "1m", "2h", "2d"]);
    }
}
