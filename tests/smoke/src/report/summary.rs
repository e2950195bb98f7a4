//! The last lines of a test run.

use std::process::ExitCode;

use super::{Ended, Report, all};

/// Prints what the scenarios came to; fails where one failed or was cut short.
#[must_use]
pub fn summary() -> ExitCode {
    let (text, all_well) = render(&all());
    print!("{text}");
    if all_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn render(reports: &[Report]) -> (String, bool) {
    let (mut lines, mut passed, mut failed, mut skipped) = (vec![], 0, 0, 0);
    for Report { scenario, ended, seconds, notes } in reports {
        lines.extend(notes.iter().map(|note| format!("seen:    {scenario}: {note}")));
        match ended {
            Ended::Passed => passed += 1,
            Ended::Failed => {
                failed += 1;
                lines.push(format!("failed:  {scenario} after {seconds} s"));
            }
            Ended::Not => {
                failed += 1;
                lines.push(format!("failed:  {scenario}: it was cut short"));
            }
            Ended::Skipped(missing) => {
                skipped += 1;
                lines.push(format!("skipped: {scenario}: {missing}"));
            }
        }
    }
    lines.push(format!("scenarios: {passed} passed, {failed} failed, {skipped} skipped"));
    (lines.join("\n") + "\n", failed == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_is_counted_and_what_was_not_well_is_named() {
        let report = |scenario: &str, ended| Report {
            scenario: scenario.to_owned(),
            ended,
            seconds: 3,
            notes: vec![],
        };
        let mut reports =
            vec![report("egress", Ended::Skipped("a network".to_owned())), report("bare_run", Ended::Passed)];
        let text = "skipped: egress: a network\nscenarios: 1 passed, 0 failed, 1 skipped\n";
        assert_eq!(render(&reports), (text.to_owned(), true));
        reports[1].notes.push("3 ms".to_owned());
        assert_eq!(
            render(&reports).0,
            format!("skipped: egress: a network\nseen:    bare_run: 3 ms\n{}", &text[27..])
        );
        reports[1].notes.clear();
        reports.extend([report("ports", Ended::Failed), report("logs", Ended::Not)]);
        let text = "skipped: egress: a network\nfailed:  ports after 3 s\nfailed:  logs: it was cut short\n\
            scenarios: 1 passed, 2 failed, 1 skipped\n";
        assert_eq!(render(&reports), (text.to_owned(), false));
    }
}
