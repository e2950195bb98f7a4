//! Durations as people type them.

use std::time::Duration;

/// Reads `90s`, `10m`, `2h` or `1d`; `None` for anything else, and for what does not fit.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let unit = text.chars().next_back()?;
    let secs_of_unit = match unit {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return None,
    };
    let digits = &text[..text.len() - 1];
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let count: u64 = if is_number { digits.parse().ok()? } else { return None };
    count.checked_mul(secs_of_unit).map(Duration::from_secs)
}

/// Writes a duration as [`parse`] reads it.
pub(super) fn show(duration: Duration) -> String {
    let secs = duration.as_secs();
    let units = [(24 * 60 * 60, 'd'), (60 * 60, 'h'), (60, 'm')];
    match units.iter().find(|(unit, _)| secs > 0 && secs.is_multiple_of(*unit)) {
        Some((unit, letter)) => format!("{}{letter}", secs / unit),
        None => format!("{secs}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_a_number_and_a_unit() {
        for (text, secs) in [
            ("90s", Some(90)),
            ("10m", Some(600)),
            ("2h", Some(7200)),
            ("1d", Some(86_400)),
            ("0s", Some(0)),
            ("", None),
            ("s", None),
            ("10", None),
            ("-1s", None),
            ("+1s", None),
            ("1.5h", None),
            ("10 m", None),
            ("1ms", None),
            ("1é", None),
            ("99999999999999999999d", None),
            ("999999999999999999d", None),
        ] {
            let read = parse(text);
            assert_eq!(read.map(|duration| duration.as_secs()), secs, "{text:?}");
            if let Some(duration) = read {
                assert_eq!(parse(&show(duration)), Some(duration));
            }
        }
    }
}
