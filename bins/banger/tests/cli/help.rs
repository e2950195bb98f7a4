//! The whole command tree in order, and what each command says of itself.

use std::fmt::Write as _;

use crate::host::Host;

/// The commands that a help text lists, in its order.
fn subcommands(help: &str) -> Vec<String> {
    let after = help.split("\nCommands:\n").nth(1).unwrap_or_default();
    let names = after.lines().take_while(|line| !line.is_empty());
    names.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[test]
fn the_help_of_the_whole_tree() {
    let host = Host::new();
    let mut left: Vec<Vec<String>> = vec![vec![]];
    let mut text = String::new();
    while let Some(command) = left.pop() {
        let mut arguments: Vec<&str> = command.iter().map(String::as_str).collect();
        arguments.push("--help");
        let output = host.run(&arguments);
        let help = String::from_utf8(output.stdout).unwrap();
        assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "{command:?}");
        assert!(
            help.contains("\nExamples:\n") || help.contains("\nCommands:\n"),
            "{command:?} has no examples"
        );
        writeln!(text, "$ banger {}\n{help}", arguments.join(" ")).unwrap();
        let below = subcommands(&help).into_iter().rev();
        left.extend(below.map(|name| [command.clone(), vec![name]].concat()));
    }
    // Each command has the global options, in the same words.
    let globals = text.split("\nGlobal options:\n").nth(1).unwrap().split("\n\n").next().unwrap().to_owned();
    let text = text.replace(&format!("\nGlobal options:\n{globals}\n"), "\nGlobal options: …\n");
    insta::assert_snapshot!("help", format!("{text}Global options:\n{globals}\n"));
}

/// Every command that the help shows, in its order.
fn tree(host: &Host) -> Vec<String> {
    let mut left: Vec<Vec<String>> = vec![vec![]];
    let mut tree = Vec::new();
    while let Some(command) = left.pop() {
        let mut arguments: Vec<&str> = command.iter().map(String::as_str).collect();
        arguments.push("--help");
        let help = String::from_utf8(host.run(&arguments).stdout).unwrap();
        tree.push(format!("banger {}", command.join(" ")).trim_end().to_owned());
        let below = subcommands(&help).into_iter().rev();
        left.extend(below.map(|name| [command.clone(), vec![name]].concat()));
    }
    tree
}

#[test]
fn the_command_tree_in_order() {
    insta::assert_snapshot!("tree", tree(&Host::new()).join("\n"));
}

#[test]
fn every_command_has_a_page_of_the_manual() {
    let host = Host::new();
    let dir = host.path().join("man");
    let output = host.run(&["internal", "man-pages", dir.to_str().unwrap()]);
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
    let names =
        std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut pages: Vec<String> = names.collect();
    pages.sort();
    let mut commands: Vec<String> =
        tree(&host).iter().map(|command| format!("{}.1", command.replace(' ', "-"))).collect();
    commands.sort();
    assert_eq!(pages, commands);
    let page = std::fs::read_to_string(dir.join("banger-vm-run.1")).unwrap();
    for part in [".SH NAME", ".SH OPTIONS", "banger\\-vm\\-run \\- ", "\\-\\-memory", "Examples:"] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[test]
fn completions_are_scripts_that_ask_this_program() {
    let host = Host::new();
    let heads = ["bash", "zsh", "fish"].map(|shell| {
        let output = host.run(&["completion", shell]);
        assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "{shell}");
        let script = String::from_utf8(output.stdout).unwrap();
        let head: Vec<&str> = script.lines().filter(|line| !line.is_empty()).take(5).collect();
        format!("{shell}: {} lines\n{}", script.lines().count(), head.join("\n"))
    });
    insta::assert_snapshot!("completions", heads.join("\n\n"));
}
