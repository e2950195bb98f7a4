//! The tutorial, typed line by line as it stands there.

use std::{fmt::Write as _, fs, path::Path};

use smoke::{Host, on_plain};

/// A command of the tutorial, and what it prints.
struct Step {
    /// Its line, from 1.
    line: usize,
    command: String,
    printed: Vec<String>,
}

/// The commands of all blocks of a console, in their order.
fn steps(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = vec![];
    let mut is_console = false;
    for (index, line) in text.lines().enumerate() {
        match (is_console, line) {
            (false, "```console") => is_console = true,
            (false, _) => {}
            (true, "```") => is_console = false,
            (true, line) => match line.strip_prefix("$ ") {
                Some(command) => {
                    steps.push(Step { line: index + 1, command: command.to_owned(), printed: vec![] });
                }
                None => steps.last_mut().unwrap().printed.push(line.to_owned()),
            },
        }
    }
    steps
}

/// Whether lines were printed as shown: … is any text in a line, and any number of lines on one of its own.
fn is_as_shown(shown: &[String], printed: &[&str]) -> bool {
    match shown.split_first() {
        None => printed.is_empty(),
        Some((first, rest)) if first == "…" => {
            (0..=printed.len()).any(|skipped| is_as_shown(rest, &printed[skipped..]))
        }
        Some((first, rest)) => printed
            .split_first()
            .is_some_and(|(line, others)| is_line(first, line) && is_as_shown(rest, others)),
    }
}

fn is_line(shown: &str, printed: &str) -> bool {
    let Some((before, after)) = shown.split_once('…') else { return shown == printed };
    printed.strip_prefix(before).is_some_and(|rest| {
        (0..=rest.len()).filter(|at| rest.is_char_boundary(*at)).any(|at| is_line(after, &rest[at..]))
    })
}

/// One shell types all: what it changes to, it stays in.
fn script(steps: &[Step], dir: &Path) -> String {
    let mut script = String::new();
    for (number, step) in steps.iter().enumerate() {
        let file = dir.join(number.to_string()).display().to_string();
        let (command, line) = (&step.command, step.line);
        write!(
            script,
            "{{\n{command}\n}} >{file}.out 2>{file}.err </dev/null\n\
             code=$?; [ $code = 0 ] || {{ echo \"line {line}: exit $code\" >&2; cat {file}.err >&2; exit 1; }}\n"
        )
        .unwrap();
    }
    script
}

#[test]
fn the_tutorial_is_as_it_says() {
    on_plain(|host: &Host| {
        let text = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/tutorial.md");
        let steps = steps(&fs::read_to_string(text).unwrap());
        assert!(steps.len() > 20, "{} commands are no tutorial", steps.len());
        let seen = host.dir().join("seen");
        fs::create_dir(&seen).unwrap();
        // Who follows it has told git who they are.
        let name = "[user]\n\tname = Smoke\n\temail = smoke@example.org\n[init]\n\tdefaultBranch = main\n";
        fs::write(host.dir().join("home/.gitconfig"), name).unwrap();
        host.with_guests();
        host.program("/bin/bash").args(["-c", &script(&steps, &seen)]).run().ok();
        let mut other = String::new();
        for (number, step) in steps.iter().enumerate() {
            let printed = fs::read_to_string(seen.join(format!("{number}.out"))).unwrap();
            let lines: Vec<&str> = printed.lines().collect();
            if !is_as_shown(&step.printed, &lines) {
                writeln!(other, "line {}: $ {}\n{printed}", step.line, step.command).unwrap();
            }
        }
        assert!(other.is_empty(), "the tutorial shows something else:\n{other}");
    });
}

#[test]
fn what_is_shown_may_leave_out_what_differs() {
    let is = |shown: &[&str], printed: &[&str]| {
        is_as_shown(&shown.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>(), printed)
    };
    assert!(is(&[], &[]) && !is(&[], &["a"]) && !is(&["a"], &[]));
    assert!(is(&["…"], &[]) && is(&["…", "z"], &["a", "b", "z"]) && !is(&["…", "z"], &["z", "a"]));
    assert!(is(&["box … running …"], &["box  0a1b  running  2 s"]) && !is(&["box …"], &["dox x"]));
}
