//! Where copies lie until they are whole: what is used stays, what was left goes, and there is room for the last step.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use workspace::script;

/// A copy on its way.
struct Copying {
    process: Child,
    stage: PathBuf,
}

impl Copying {
    fn to(place: &Path) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", script::STAGE, "sh"]).arg(place).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { process, stage: line.trim_end_matches('\n').into() }
    }

    /// Ends it as a hang-up does: what it made stays.
    fn kill(mut self) -> PathBuf {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.stage
    }
}

#[test]
fn what_a_killed_copy_left_goes_with_the_next_and_what_is_on_its_way_stays() {
    let dir = tempfile::tempdir().unwrap();
    let above = dir.path().join(r"a \t b");
    let begin = |name: &str| {
        let copying = Copying::to(&above.join(name));
        fs::write(copying.stage.join("file"), "").unwrap();
        copying
    };
    let (first, second) = (begin("repo"), begin("repo"));
    assert!(first.stage != second.stage && first.stage.join("file").exists());
    let left = first.kill();
    // A process of the same number that began at another time, and what is a person's own.
    let number = second.process.id();
    for own in ["notes", "1-x", "1-", "-1", "1-2-3"] {
        fs::create_dir(above.join(format!(".banger-{own}"))).unwrap();
    }
    fs::create_dir(above.join("elsewhere")).unwrap();
    symlink("elsewhere", above.join(".banger-1-1")).unwrap();
    fs::create_dir(above.join(format!(".banger-{number}-1"))).unwrap();
    let third = begin("other");
    assert!(!left.exists() && !above.join(format!(".banger-{number}-1")).exists());
    assert!(second.stage.join("file").exists() && third.stage.join("file").exists());
    second.kill();
    third.kill();
    let last = begin("repo").kill();
    fs::remove_dir_all(last).unwrap();
    let mut names: Vec<_> = fs::read_dir(&above)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let own = [
        ".banger--1",
        ".banger-1-",
        ".banger-1-1",
        ".banger-1-2-3",
        ".banger-1-x",
        ".banger-notes",
        "elsewhere",
    ];
    assert_eq!(names, own);
}

#[test]
fn room_for_an_update_is_taken_before_anything_goes() {
    let dir = tempfile::tempdir().unwrap();
    let (stage, room) = (dir.path().join("stage"), dir.path().join("stage/.git/banger/room"));
    for number in 0..100 {
        fs::create_dir_all(stage.join(format!("d{number}"))).unwrap();
    }
    fs::create_dir_all(stage.join(".git/banger")).unwrap();
    fs::write(stage.join(".git/banger/copied"), "d0/a\0d0/b\n\0").unwrap();
    // A limit of the size of files stands for a disk that is full.
    let reserve = |limit: &str| {
        let script = format!("ulimit -f {limit} && {}", script::RESERVE);
        Command::new("sh").args(["-c", &script, "sh"]).arg(&stage).stderr(Stdio::null()).status().unwrap()
    };
    assert!(!reserve("16").success());
    assert!(reserve("unlimited").success());
    let dirs: u64 = ["", ".git", ".git/banger"]
        .into_iter()
        .map(str::to_owned)
        .chain((0..100).map(|number| format!("d{number}")))
        .map(|name| fs::metadata(stage.join(name)).unwrap().len())
        .sum();
    assert_eq!(fs::metadata(room).unwrap().len(), dirs + 2 * 128 + 262_144);
}
