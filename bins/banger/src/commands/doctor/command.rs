//! `banger doctor`: all that is checked, by the daemon and by this program.

use std::fmt::Write as _;

use api::DoctorReport;
use built::VERSION;
use doctor::examine_install;
use host::dirs::Mode;
use model::{Check, Class, Verdict};
use serde::Serialize;

use super::install;
use crate::{
    daemon::{Context, Owners, mode, uid},
    exit,
    fault::{Doing as _, Fault},
    screen::Screen,
};

/// Check this host and this installation; changes nothing without --fix
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  banger doctor\n  banger doctor --json\n  banger doctor --fix\n\n\
    Exits with 0 if every check passes or only warns, and with 1 if any fails.")]
pub(crate) struct Doctor {
    /// Put right what is safe to: what is left of machines that are no more, rules, names, records
    #[arg(long)]
    fix: bool,
}

const DOING: &str = "check this host";

/// What is told to a program.
#[derive(Debug, Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    report: &'a DoctorReport,
    /// The names of the checks that fail.
    failed: Vec<&'a str>,
}

impl Doctor {
    pub(crate) async fn run(&self, context: &Context) -> Result<u8, Fault> {
        let mode = mode(DOING)?;
        let found = format!("{}: {}", mode.word(), mode.why(uid()));
        let mut checks = vec![Check { name: "mode".to_owned(), verdict: Verdict::Pass, found, hint: None }];
        let asked = self.ask(context, &mode).await;
        let (daemon, mut report) = match asked {
            Ok((daemon, report)) => (daemon, report),
            // What a person typed or wrote is not the host's.
            Err(fault) if fault.class == Class::Usage => return Err(fault),
            Err(fault) => {
                (unreachable(fault), DoctorReport { checks: vec![], fixed: vec![], unfixed: vec![] })
            }
        };
        checks.push(daemon);
        if let Mode::System { record } = &mode {
            checks.extend(examine_install(&install::facts(record).await));
        }
        report.checks.splice(0..0, checks);
        let fails = |check: &&Check| check.verdict == Verdict::Fail;
        let failed: Vec<&str> = report.checks.iter().filter(fails).map(|check| check.name.as_str()).collect();
        let code = if failed.is_empty() { exit::DONE } else { exit::FAILED };
        context.screen.show("doctor", Told { report: &report, failed }, || text(context.screen, &report));
        Ok(code)
    }

    /// What the daemon is, and what it found.
    async fn ask(&self, context: &Context, mode: &Mode) -> Result<(Check, DoctorReport), Fault> {
        let client = context.daemon(DOING).await?;
        let defaults = Owners::read(DOING)?.looked_for();
        let report =
            if self.fix { client.doctor_fix(&defaults).await } else { client.doctor(&defaults).await };
        let report = report.doing(DOING)?;
        let version = client.daemon_version().unwrap_or_default();
        let (verdict, hint) = match mode {
            _ if version == VERSION => (Verdict::Pass, None),
            Mode::System { .. } => {
                (Verdict::Warn, Some("Start the installed one: `sudo banger system restart`."))
            }
            Mode::Embedded { .. } => {
                (Verdict::Warn, Some("Let the next command start its own: `banger daemon stop`."))
            }
        };
        let found = match verdict {
            Verdict::Pass => format!("it answers, and is {version}"),
            _ => format!("it is {version}, and this program {VERSION}"),
        };
        Ok((Check { name: "daemon".to_owned(), verdict, found, hint: hint.map(str::to_owned) }, report))
    }
}

fn unreachable(fault: Fault) -> Check {
    let hint = fault.hint.unwrap_or_else(|| "See why: `banger daemon status`.".to_owned());
    Check { name: "daemon".to_owned(), verdict: Verdict::Fail, found: fault.message, hint: Some(hint) }
}

fn text(screen: Screen, report: &DoctorReport) -> String {
    let width = report.checks.iter().map(|check| check.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for line in &report.fixed {
        writeln!(text, "DONE  {line}").ok();
    }
    for line in &report.unfixed {
        writeln!(text, "LEFT  {line}").ok();
    }
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
