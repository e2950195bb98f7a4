//! Measures one thing after another.

use serde::Serialize;

use super::{boots, copy, disks, exec, list, run, stage};
use crate::scenario::with_host;

/// What was measured. Times are medians of rounds, in microseconds.
#[derive(Debug, Serialize)]
struct Figures {
    run: run::Run,
    exec: exec::Exec,
    list: list::List,
    disks: disks::Disks,
    copy: copy::Copy,
    stage: stage::Stage,
    boots: boots::Boots,
}

/// Measures, and prints what came out as one object of JSON. Takes some minutes.
///
/// # Panics
///
/// Where something that is measured does not work.
pub fn measure() {
    let figures = with_host("measure", |host| {
        host.with_guests();
        let say = |what: &str| eprintln!("smoke: measuring {what}");
        say("disks");
        let disks = disks::measure(host);
        say("a list of machines");
        let list = list::measure(host);
        say("commands in a machine");
        let exec = exec::measure(host);
        say("a repository into a machine");
        let copy = copy::measure(host);
        say("machines from nothing");
        let run = run::measure(host);
        say("a release into its place");
        let stage = stage::measure(host);
        say("boots beside busy loops");
        let boots = boots::measure(host);
        Figures { run, exec, list, disks, copy, stage, boots }
    });
    match serde_json::to_string(&figures) {
        Ok(text) => println!("{text}"),
        Err(error) => panic!("write the figures: {error}"),
    }
}
