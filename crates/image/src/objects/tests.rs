use std::{sync::Barrier, thread};

use serde::Deserialize;

use super::*;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Note {
    schema: u32,
    text: String,
}

impl Record for Note {
    const FILE: &'static str = "note.json";
    const SCHEMA: u32 = 1;
}

fn note(text: &str) -> Note {
    Note { schema: 1, text: text.to_owned() }
}

fn digest(byte: u8) -> Digest {
    Digest::from_bytes([byte; 32])
}

fn put(objects: &Objects<Note>, name: &str, byte: u8, text: &str) {
    let partial = objects.partial().unwrap();
    fs::write(partial.make_object().unwrap().join("data"), text).unwrap();
    objects.publish(partial, name, &digest(byte), &note(text)).unwrap();
}

fn partials(dir: &Path) -> usize {
    file_names(dir).unwrap().iter().filter(|name| name.starts_with(".partial-")).count()
}

#[test]
fn what_is_published_is_found_by_name_and_goes_with_its_last_name() {
    let dir = tempfile::tempdir().unwrap();
    let objects = Objects::<Note>::open(dir.path()).unwrap();
    put(&objects, "a", 1, "one");
    assert!(objects.name_existing("b", &digest(1)).unwrap());
    assert!(!objects.name_existing("c", &digest(9)).unwrap());
    assert_eq!(objects.get("b").unwrap(), Some(note("one")));
    assert!(objects.delete("a").unwrap());
    assert!(!objects.delete("a").unwrap());
    assert!(objects.object_dir(&digest(1)).exists());
    assert!(objects.delete("b").unwrap());
    assert!(!objects.object_dir(&digest(1)).exists());
    assert_eq!(partials(dir.path()), 0);
}

#[test]
fn an_object_whose_name_cannot_be_made_does_not_stay() {
    let dir = tempfile::tempdir().unwrap();
    let objects = Objects::<Note>::open(dir.path()).unwrap();
    fs::create_dir(dir.path().join("names/a")).unwrap();
    let partial = objects.partial().unwrap();
    partial.make_object().unwrap();
    objects.publish(partial, "a", &digest(1), &note("one")).unwrap_err();
    assert!(!objects.object_dir(&digest(1)).exists());
    assert_eq!(partials(dir.path()), 0);
}

#[test]
fn a_name_that_moved_on_leaves_its_object_for_whoever_uses_it() {
    let dir = tempfile::tempdir().unwrap();
    let objects = Objects::<Note>::open(dir.path()).unwrap();
    put(&objects, "a", 1, "one");
    put(&objects, "a", 2, "two");
    assert_eq!(objects.list().unwrap(), [("a".to_owned(), note("two"))]);
    let kept = objects.prune(&BTreeSet::from([digest(1)]), false).unwrap();
    assert_eq!(kept, Reclaimed::default());
    let trial = objects.prune(&BTreeSet::new(), true).unwrap();
    assert_eq!(trial.removed.len(), 1);
    let real = objects.prune(&BTreeSet::new(), false).unwrap();
    assert_eq!(real, trial);
    assert!(objects.read(&digest(1)).unwrap().is_none());
    assert!(objects.read(&digest(2)).unwrap().is_some());
}

#[test]
fn a_sweep_takes_what_nobody_holds_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let objects = Objects::<Note>::open(dir.path()).unwrap();
    let held = objects.partial().unwrap();
    let left = dir.path().join(".partial-left");
    fs::create_dir(&left).unwrap();
    fs::write(left.join("lock"), "").unwrap();
    fs::write(left.join("data"), vec![1; 10_000]).unwrap();
    let swept = objects.sweep().unwrap();
    assert_eq!(swept.removed.len(), 1);
    assert!(swept.freed_bytes >= 10_000);
    assert!(held.path().exists() && !left.exists());
}

#[test]
fn many_at_once_under_one_name_end_with_one_whole_object() {
    let dir = tempfile::tempdir().unwrap();
    let gate = Barrier::new(8);
    thread::scope(|scope| {
        for byte in 0..8 {
            let (dir, gate) = (dir.path(), &gate);
            scope.spawn(move || {
                let objects = Objects::<Note>::open(dir).unwrap();
                gate.wait();
                for _ in 0..10 {
                    put(&objects, "a", byte % 2, "text");
                    assert_eq!(objects.get("a").unwrap(), Some(note("text")));
                }
            });
        }
    });
    assert_eq!(partials(dir.path()), 0);
}

#[test]
fn a_later_record_is_refused_and_a_broken_one_told() {
    let dir = tempfile::tempdir().unwrap();
    let objects = Objects::<Note>::open(dir.path()).unwrap();
    put(&objects, "a", 1, "one");
    let path = objects.object_dir(&digest(1)).join(Note::FILE);
    fs::write(&path, r#"{"schema": 2, "words": []}"#).unwrap();
    assert!(matches!(objects.get("a"), Err(Fault::LaterRecord { schema: 2, .. })));
    fs::write(&path, "{").unwrap();
    assert!(matches!(objects.get("a"), Err(Fault::Record { .. })));
}

#[test]
fn copies_keep_holes() {
    use std::os::unix::fs::{FileExt, MetadataExt};
    let dir = tempfile::tempdir().unwrap();
    let from = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open(dir.path().join("a"))
        .unwrap();
    from.set_len(64 << 20).unwrap();
    from.write_all_at(b"middle", 32 << 20).unwrap();
    let to = copy_sparse(&from, &dir.path().join("b"), &Job::quiet()).unwrap();
    let mut text = [0; 6];
    to.read_exact_at(&mut text, 32 << 20).unwrap();
    assert_eq!(&text, b"middle");
    let meta = to.metadata().unwrap();
    assert!(meta.len() == 64 << 20 && meta.blocks() * 512 < 1 << 20);
}
