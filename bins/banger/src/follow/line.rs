//! How far an operation is, as bars, lines or objects.

use std::time::{Duration, Instant};

use api::{Event, EventRecord};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use model::OpId;
use serde_json::json;

use crate::{
    screen::{Detail, Screen, say_object},
    text,
};

/// A stage that took less is not worth a line of its own on a terminal.
const STAGE_SHOWN_MIN: Duration = Duration::from_millis(800);
const TICK: Duration = Duration::from_millis(100);

/// The lines of all operations of one command.
#[derive(Debug)]
pub(crate) struct Progress {
    screen: Screen,
    bars: Option<MultiProgress>,
}

impl Progress {
    pub(crate) fn new(screen: Screen) -> Self {
        Self { screen, bars: screen.is_watched().then(MultiProgress::new) }
    }

    /// A line for one operation. `label` tells it from others; empty where there is one only.
    pub(crate) fn line(&self, label: &str) -> Line {
        let label = if label.is_empty() { String::new() } else { format!("{label}: ") };
        let bar = self.bars.as_ref().map(|bars| {
            let bar = bars.add(ProgressBar::new_spinner());
            bar.enable_steady_tick(TICK);
            bar
        });
        Line { screen: self.screen, label, bar, stage: None }
    }

    /// A line for an operation that goes without saying.
    pub(crate) fn quiet_line(&self) -> Line {
        Line { screen: self.screen.quietly(), label: String::new(), bar: None, stage: None }
    }
}

/// The line of one operation. Dropping it takes it off the terminal.
#[derive(Debug)]
pub(crate) struct Line {
    screen: Screen,
    label: String,
    bar: Option<ProgressBar>,
    stage: Option<(String, Instant)>,
}

impl Drop for Line {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Line {
    /// Shows one event.
    pub(crate) fn show(&mut self, op: &OpId, record: &EventRecord) {
        if self.screen.is_json() {
            return say_object(json!({ "op": op, "event": record }));
        }
        match &record.event {
            Event::Stage { name } => self.begin_stage(name),
            Event::Progress { done, total, unit } => self.advance(*done, *total, unit),
            Event::Log { line } if self.screen.detail() == Detail::Verbose => self.say(&format!("  {line}")),
            Event::Log { .. } => {}
            Event::Warning { message } => self.apart(|screen| screen.warn(message)),
            Event::Done { .. } | Event::Failed { .. } => self.end_stage(),
        }
    }

    /// Prints a line above the bars.
    pub(crate) fn say(&self, line: &str) {
        let line = format!("{}{line}", self.label);
        self.apart(|screen| screen.note(&line));
    }

    fn apart(&self, print: impl FnOnce(Screen)) {
        match &self.bar {
            Some(bar) => bar.suspend(|| print(self.screen)),
            None => print(self.screen),
        }
    }

    /// Begins something that takes a while.
    pub(crate) fn begin_stage(&mut self, name: &str) {
        self.end_stage();
        self.stage = Some((name.to_owned(), Instant::now()));
        match &self.bar {
            Some(bar) => {
                bar.set_style(style("{spinner} {msg} {elapsed:.dim}"));
                bar.reset_elapsed();
                bar.set_message(format!("{}{name}", self.label));
            }
            None => self.say(name),
        }
    }

    /// Ends what was begun last.
    pub(crate) fn end_stage(&mut self) {
        let Some((name, began)) = self.stage.take() else { return };
        if self.bar.is_some() && began.elapsed() >= STAGE_SHOWN_MIN {
            self.say(&format!("{name} {}", text::elapsed(began.elapsed())));
        }
    }

    /// Shows how far it is.
    pub(crate) fn advance(&mut self, done: u64, total: Option<u64>, unit: &str) {
        let Some(bar) = &self.bar else { return };
        let template = match (total, unit) {
            (Some(_), "bytes") => "{spinner} {msg} [{bar:24}] {bytes}/{total_bytes} {bytes_per_sec:.dim}",
            (Some(_), _) => "{spinner} {msg} [{bar:24}] {pos}/{len} {prefix} {elapsed:.dim}",
            (None, "bytes") => "{spinner} {msg} {bytes} {bytes_per_sec:.dim}",
            (None, _) => "{spinner} {msg} {pos} {prefix} {elapsed:.dim}",
        };
        bar.set_style(style(template));
        bar.set_prefix(unit.to_owned());
        if let Some(total) = total {
            bar.set_length(total);
        }
        bar.set_position(done);
    }
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner());
    style.progress_chars("=> ").tick_chars("|/-\\ ")
}
