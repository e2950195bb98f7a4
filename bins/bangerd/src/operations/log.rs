//! The events of one operation.

use api::{Event, EventRecord};

/// Lines of programs that are kept for late readers; the oldest go first.
const LINES_MAX: usize = 500;

/// The events of one operation, in order. Progress and all but the last lines are forgotten when newer
/// ones come, so that an operation of any length takes a bounded amount of memory.
#[derive(Debug, Default)]
pub(super) struct Log {
    kept: Vec<EventRecord>,
    seq: u64,
    stage: Option<String>,
    lines: usize,
    is_done: bool,
}

impl Log {
    /// Takes an event in and returns its place. What comes after the last event is dropped.
    pub(super) fn push(&mut self, at_millis: u64, event: Event) -> u64 {
        if self.is_done {
            return self.seq;
        }
        match &event {
            Event::Stage { name } => self.stage = Some(name.clone()),
            Event::Progress { .. } => self.forget_progress(),
            Event::Log { .. } => self.forget_a_line(),
            Event::Warning { .. } => {}
            Event::Done { .. } | Event::Failed { .. } => {
                self.is_done = true;
                self.forget_progress();
            }
        }
        self.seq += 1;
        self.kept.push(EventRecord { seq: self.seq, at_millis, event });
        self.seq
    }

    fn forget_progress(&mut self) {
        self.kept.retain(|record| !matches!(record.event, Event::Progress { .. }));
    }

    fn forget_a_line(&mut self) {
        if self.lines < LINES_MAX {
            self.lines += 1;
            return;
        }
        let oldest = self.kept.iter().position(|record| matches!(record.event, Event::Log { .. }));
        if let Some(oldest) = oldest {
            self.kept.remove(oldest);
        }
    }

    /// Returns what is kept of the events after the place `after`.
    pub(super) fn after(&self, after: u64) -> Vec<EventRecord> {
        let from = self.kept.partition_point(|record| record.seq <= after);
        self.kept[from..].to_vec()
    }

    /// The stage that it is in.
    pub(super) fn stage(&self) -> Option<String> {
        self.stage.clone()
    }

    /// Whether the last event is in.
    pub(super) fn is_done(&self) -> bool {
        self.is_done
    }
}

#[cfg(test)]
mod tests {
    use api::Outcome;

    use super::*;

    fn progress(done: u64) -> Event {
        Event::Progress { done, total: None, unit: "bytes".to_owned() }
    }

    fn places(log: &Log, after: u64) -> Vec<u64> {
        log.after(after).iter().map(|record| record.seq).collect()
    }

    #[test]
    fn only_the_newest_progress_is_kept() {
        let mut log = Log::default();
        log.push(0, Event::Stage { name: "one".to_owned() });
        for done in 0..1000 {
            log.push(1, progress(done));
        }
        assert_eq!(places(&log, 0), [1, 1001]);
        assert_eq!(places(&log, 1), [1001]);
        assert_eq!(places(&log, 1001), [] as [u64; 0]);
        assert_eq!(log.stage().as_deref(), Some("one"));
    }

    #[test]
    fn of_many_lines_the_last_are_kept() {
        let mut log = Log::default();
        log.push(0, Event::Stage { name: "one".to_owned() });
        for line in 0..LINES_MAX + 7 {
            log.push(0, Event::Log { line: line.to_string() });
        }
        let kept = log.after(0);
        assert_eq!(kept.len(), LINES_MAX + 1);
        assert_eq!(kept[1].event, Event::Log { line: "7".to_owned() });
    }

    #[test]
    fn nothing_comes_after_the_last_event() {
        let mut log = Log::default();
        log.push(0, progress(1));
        log.push(0, Event::Done { outcome: Outcome::Gone });
        assert!(log.is_done());
        log.push(0, progress(2));
        assert_eq!(log.after(0).len(), 1);
    }
}
