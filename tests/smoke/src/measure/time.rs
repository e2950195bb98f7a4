//! Times, and how long the stages of an operation took.

use std::time::Duration;

use serde_json::Value;

use crate::Output;

/// The middle one, in microseconds.
pub(super) fn median(times: &[Duration]) -> u64 {
    let mut sorted = times.to_vec();
    sorted.sort();
    let middle = sorted.get(sorted.len() / 2).copied().unwrap_or_default();
    u64::try_from(middle.as_micros()).unwrap_or(u64::MAX)
}

/// How long the stage lasted, from its event to the next one. The command was told `--json`.
///
/// # Panics
///
/// Where there was no such stage.
#[track_caller]
pub(super) fn stage(output: &Output, name: &str) -> Duration {
    let stderr = output.stderr();
    let events: Vec<Value> = stderr
        .lines()
        .filter_map(|line| Some(serde_json::from_str::<Value>(line).ok()?["event"].take()))
        .filter(|event| event["event"] == "stage" || event["event"] == "done")
        .collect();
    let millis = |event: &Value| event["at_millis"].as_u64();
    let lasted = events.iter().position(|event| event["name"] == name).and_then(|at| {
        let (this, next) = (millis(&events[at])?, millis(events.get(at + 1)?)?);
        next.checked_sub(this)
    });
    Duration::from_millis(lasted.unwrap_or_else(|| panic!("no stage {name:?} in {stderr}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_one() {
        let times = [5, 1, 9].map(Duration::from_micros);
        assert_eq!((median(&times), median(&[])), (5, 0));
    }
}
