//! `banger doctor`.

use std::fmt::Write as _;

use api::{Check, DoctorReport, Verdict};

use crate::{
    daemon::{Context, mode, uid},
    exit,
    fault::{Doing as _, Fault},
    screen::Screen,
};

/// Check this host and this installation; changes nothing
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  banger doctor\n  banger doctor --json\n\n\
    Exits with 0 if every check passes or only warns, and with 1 if any fails.")]
pub(crate) struct Doctor {}

impl Doctor {
    pub(crate) async fn run(&self, context: &Context) -> Result<u8, Fault> {
        let doing = "check this host";
        let client = context.daemon(doing).await?;
        let mut report = client.doctor().await.doing(doing)?;
        let mode = mode(doing)?;
        let found = format!("{}: {}", mode.word(), mode.why(uid()));
        report.checks.insert(0, Check { name: "mode".to_owned(), verdict: Verdict::Pass, found, hint: None });
        context.tell_of_version(&client);
        context.screen.show("doctor", &report, || text(context.screen, &report));
        let any_fails = report.checks.iter().any(|check| check.verdict == Verdict::Fail);
        Ok(if any_fails { exit::FAILED } else { exit::DONE })
    }
}

fn text(screen: Screen, report: &DoctorReport) -> String {
    let width = report.checks.iter().map(|check| check.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for check in &report.checks {
        let word = match check.verdict {
            Verdict::Pass => "PASS",
            Verdict::Warn => "WARN",
            Verdict::Fail => "FAIL",
        };
        let word = screen.verdict(word, check.verdict);
        writeln!(text, "{word}  {:width$}  {}", check.name, check.found).ok();
        if let Some(hint) = check.hint.as_ref().filter(|_| check.verdict != Verdict::Pass) {
            writeln!(text, "      {:width$}  hint: {hint}", "").ok();
        }
    }
    text
}
