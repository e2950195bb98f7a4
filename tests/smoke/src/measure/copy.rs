//! A repository of many files into a machine, beside `git archive` into `tar` over the same link.

use std::{fs, io, path::Path, time::Duration};

use serde::Serialize;

use super::time::median;
use crate::Host;

const ROUNDS: usize = 5;
const DIRS: usize = 200;
const FILES_IN_EACH: usize = 100;

/// How long one copy may take on a slow host.
const LIMIT: Duration = Duration::from_mins(10);

/// What it took, in microseconds.
#[derive(Debug, Serialize)]
pub(crate) struct Copy {
    /// `banger vm workspace prepare` into a new place, the whole process.
    prepare_micros: u64,
    /// `git archive HEAD | banger vm exec -- tar -x`, to the end of both.
    archive_micros: u64,
    files: u64,
}

pub(super) fn measure(host: &Host) -> Copy {
    let files = (DIRS * FILES_IN_EACH) as u64;
    plant(&host.home().join("many")).unwrap_or_else(|error| panic!("write a repository: {error}"));
    let commit = "git init -q many && cd many && git add -A && \
        git -c user.name=A -c user.email=a@example.org commit -q -m many";
    host.program("/bin/sh").args(["-c", commit]).run().ok();
    host.start_small("copy");
    let (mut ours, mut archives) = (vec![], vec![]);
    for _ in 0..ROUNDS {
        archives.push(archive(host, files));
        ours.push(prepare(host, files));
    }
    host.delete("copy");
    Copy { prepare_micros: median(&ours), archive_micros: median(&archives), files }
}

/// Files of a few hundred bytes to some thousands, as sources are, no two the same.
fn plant(top: &Path) -> io::Result<()> {
    for dir in 0..DIRS {
        let path = top.join(format!("part-{}/module-{dir}", dir % 20));
        fs::create_dir_all(&path)?;
        for file in 0..FILES_IN_EACH {
            let lines = 10 + (dir * 31 + file * 17) % 90;
            let text = (0..lines)
                .fold(String::new(), |text, line| text + &format!("let value_{line} = {dir} * {file};\n"));
            fs::write(path.join(format!("file_{file}.rs")), text)?;
        }
    }
    Ok(())
}

fn prepare(host: &Host, files: u64) -> Duration {
    let prepare = ["vm", "workspace", "prepare", "copy", "many", "--guest-path", "/root/ours"];
    let took = host.banger(prepare).limit(LIMIT).run().ok().took;
    assert_eq!(clear(host, "/root/ours"), files);
    took
}

fn archive(host: &Host, files: u64) -> Duration {
    host.banger(["vm", "exec", "--guest-path", "/root", "copy", "--", "mkdir", "archive"]).run().ok();
    let script = "git -C many archive HEAD | banger vm exec --guest-path /root copy -- tar -x -C archive";
    let took = host.program("/bin/sh").args(["-c", script]).limit(LIMIT).run().ok().took;
    assert_eq!(clear(host, "/root/archive"), files);
    took
}

/// Takes away what came; returns how many files it was.
fn clear(host: &Host, place: &str) -> u64 {
    let script = "find \"$0\" -name .git -prune -o -type f -print | wc -l; rm -r \"$0\"; sync";
    let clear = ["vm", "exec", "--guest-path", "/root", "copy", "--", "sh", "-c", script, place];
    let counted = host.banger(clear).limit(LIMIT).run().ok().stdout();
    counted.trim().parse().unwrap_or_else(|error| panic!("{counted:?}: {error}"))
}
