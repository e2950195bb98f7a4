//! A table of mistakes: what each is told, and that it leaves nothing.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use smoke::{Command, Host, processes, wait::wait_until};

/// How long a daemon may take to close what an operation that failed had open.
const CLOSED_LIMIT: Duration = Duration::from_secs(10);

/// The cases so far, as a text, and what there was before the first.
pub(super) struct Table<'a> {
    host: &'a Host,
    text: String,
    before: Inventory,
    /// The cases that ended with another code than they should.
    surprises: Vec<String>,
}

/// What a mistake must not change.
#[derive(Debug, PartialEq, Eq)]
struct Inventory {
    files: BTreeSet<PathBuf>,
    /// Machines, images, kernels, operations in flight: as the daemon lists them.
    lists: Vec<String>,
    processes: Vec<String>,
    /// Files that have no name any more and are held open.
    nameless: Vec<String>,
}

impl<'a> Table<'a> {
    /// Begins one. The daemon is started: it makes its own files first.
    pub(super) fn new(host: &'a Host) -> Self {
        host.banger(["vm", "list"]).run().ok();
        Self { host, text: String::new(), before: Inventory::take(host), surprises: vec![] }
    }

    /// The directory that commands run in, for files to make mistakes with.
    pub(super) fn dir(&self) -> PathBuf {
        self.host.dir().join("home")
    }

    /// Writes a file to make a mistake with.
    pub(super) fn file(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.dir().join(name);
        fs::write(&path, bytes).unwrap_or_else(|error| panic!("write {}: {error}", path.display()));
    }

    /// Holds a call, its words parted by blanks, to an exit code and to changing nothing.
    #[track_caller]
    pub(super) fn refused(&mut self, what: &str, line: &str, code: i32) {
        let command = self.host.banger(["-q"]).args(line.split_whitespace());
        self.refused_command(what, line, command, code);
    }

    /// The same of a command that is more than its line.
    #[track_caller]
    pub(super) fn refused_command(&mut self, what: &str, line: &str, command: Command, code: i32) {
        let output = command.run();
        let (stdout, stderr) = (output.stdout(), output.stderr());
        assert_eq!(stdout, "", "{what}");
        assert!(!stderr.contains("os error") && !stderr.contains("panicked"), "{what}: {stderr}");
        if output.code != code {
            self.surprises.push(format!("{what}: {line}: exit {}, not {code}: {stderr}", output.code));
        }
        writeln!(self.text, "# {what}\n$ banger {line}\n{stderr}exit {code}\n").unwrap();
        let same = wait_until(CLOSED_LIMIT, || (Inventory::take(self.host) == self.before).then_some(()));
        if same.is_none() {
            let (before, now) = (&self.before, Inventory::take(self.host));
            panic!("{what}: {line} changed something\nbefore: {before:#?}\nnow: {now:#?}");
        }
    }

    /// Takes what there is now as what must not change, after something that was meant.
    pub(super) fn settled(&mut self) {
        self.before = Inventory::take(self.host);
    }

    /// Holds the whole to a snapshot.
    #[track_caller]
    pub(super) fn is(self, name: &str) {
        assert!(self.surprises.is_empty(), "{}", self.surprises.join("\n"));
        let home = self.host.dir().to_string_lossy().into_owned();
        let text = self.text.replace(&home, "~");
        let mut settings = insta::Settings::clone_current();
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.add_filter(r"op-[0-9a-f]{12}", "op-…");
        settings.add_filter(r"\.partial-\w+", ".partial-…");
        settings.bind(|| insta::assert_snapshot!(name, text));
    }
}

impl Inventory {
    fn take(host: &Host) -> Self {
        let mut files = BTreeSet::new();
        for name in ["state", "cache", "config", "run"] {
            list(&host.dir().join(name), &mut files);
        }
        let lists =
            [&["vm", "list", "--json"][..], &["image", "list", "--json"], &["kernel", "list", "--json"]];
        let lists = lists.map(|args| host.banger(args).run().ok().stdout()).to_vec();
        let found = processes(host.dir());
        let nameless = found.iter().flat_map(|trace| nameless(trace.pid, host.dir())).collect();
        let processes = found.iter().map(|trace| format!("{} {}", trace.pid, trace.line)).collect();
        Self { files, lists, processes, nameless }
    }
}

/// Adds every path below `dir`, but for the locks of names: they stay, so that no two hold one.
fn list(dir: &Path, into: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_lock = dir.file_name().is_some_and(|name| name == "locks");
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            list(&path, into);
        }
        if !is_lock {
            into.insert(path);
        }
    }
}

fn nameless(pid: i32, dir: &Path) -> Vec<String> {
    let fds = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let targets = fds.filter_map(|fd| fs::read_link(fd.path()).ok());
    let gone = |path: &PathBuf| path.starts_with(dir) && path.to_string_lossy().ends_with(" (deleted)");
    targets.filter(gone).map(|path| path.display().to_string()).collect()
}
