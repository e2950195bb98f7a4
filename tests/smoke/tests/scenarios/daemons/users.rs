//! Two users of one host, and directories that are not the user's own.

use std::{
    fs,
    io::{ErrorKind, Read, Write},
    os::unix::{
        fs::{DirBuilderExt, PermissionsExt, chown, symlink},
        net::UnixStream,
    },
    path::{Path, PathBuf},
    process::Command as Program,
    thread,
    time::Duration,
};

use rustix::{
    fs::Uid,
    process::{Pid, Signal, kill_process},
    thread::set_thread_uid,
};
use smoke::{Command, Host, files, on_plain, processes, skip, wait::wait_until};
use tempfile::TempDir;

use super::look::{SMALL, object, state};

const GONE_LIMIT: Duration = Duration::from_secs(20);

/// A user who is on no list: a number, a home, and the programs. What is left of them goes when this is dropped.
struct User {
    id: u32,
    dir: TempDir,
}

impl User {
    /// Makes the user's directories, with the images and kernels that `host` has.
    fn new(host: &Host, id: u32) -> Self {
        // Everybody may reach it, unlike the tree that is tested.
        let dir = tempfile::Builder::new().prefix("banger-user.").tempdir_in("/tmp").unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let user = Self { id, dir };
        let bin = user.path("bin");
        fs::create_dir(&bin).unwrap();
        let found = host.program("/bin/sh").args(["-c", "command -v banger"]).run().ok().stdout();
        for name in ["banger", "bangerd", "banger-vsock-agent"] {
            fs::copy(Path::new(found.trim()).with_file_name(name), bin.join(name)).unwrap();
        }
        for name in ["home", "state", "state/banger", "run"] {
            fs::DirBuilder::new().mode(0o700).create(user.path(name)).unwrap();
        }
        for name in ["images", "kernels", "templates", "kvm.json", "tsc.json"] {
            let from = state(host).join(name);
            if from.exists() {
                run(Program::new("cp")
                    .args(["-a", "--sparse=always"])
                    .arg(from)
                    .arg(user.path("state/banger")));
            }
        }
        for name in ["home", "state", "run"] {
            let owner = format!("{id}:{id}");
            assert!(
                Program::new("chown").args(["-R", &owner]).arg(user.path(name)).status().unwrap().success()
            );
        }
        user
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A call of a program as this user.
    fn program(&self, host: &Host, program: &str) -> Command {
        let id = self.id.to_string();
        host.program("setpriv")
            .args(["--reuid", &id, "--regid", &id, "--clear-groups", program])
            .env("PATH", format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", self.path("bin").display()))
            .env("HOME", self.path("home"))
            .env("XDG_STATE_HOME", self.path("state"))
            .env("XDG_CACHE_HOME", self.path("home/cache"))
            .env("XDG_CONFIG_HOME", self.path("home/config"))
            .env("XDG_RUNTIME_DIR", self.path("run"))
            .dir("/")
    }

    fn banger(&self, host: &Host, args: &[&str]) -> Command {
        self.program(host, "banger").args(args)
    }

    /// The names of the machines that the user sees.
    #[track_caller]
    fn names(&self, host: &Host) -> Vec<String> {
        let vms = object(&self.banger(host, &["vm", "list", "--json"]).run().ok(), "vms");
        vms.as_array().unwrap().iter().map(|vm| vm["name"].as_str().unwrap().to_owned()).collect()
    }

    /// Stops the user's daemon, and holds the user to have left nothing.
    #[track_caller]
    fn leaves_nothing(&self, host: &Host) {
        assert_eq!(self.names(host), [""; 0]);
        self.banger(host, &["daemon", "stop"]).run().ok();
        let gone = wait_until(GONE_LIMIT, || processes(self.dir.path()).is_empty().then_some(()));
        assert!(gone.is_some(), "{:#?}", processes(self.dir.path()));
        assert_eq!(files(self.dir.path()), [""; 0].map(PathBuf::from));
    }
}

impl Drop for User {
    fn drop(&mut self) {
        for trace in processes(self.dir.path()) {
            println!("ending {trace}");
            if let Some(pid) = Pid::from_raw(trace.pid) {
                let _gone = kill_process(pid, Signal::KILL);
            }
        }
        // Where a daemon of theirs was asked for without a runtime directory.
        let _gone = fs::remove_dir_all(format!("/tmp/banger-{}", self.id));
    }
}

/// Root can be anybody.
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Numbers that no list of users gives out, other ones in each run.
fn two_ids() -> [u32; 2] {
    let first = 1_900_000_000 + (std::process::id() % 50_000) * 2;
    [first, first + 1]
}

/// What the daemon at a socket answers to a user who asks for the machines.
fn heard_as(id: u32, socket: &Path) -> String {
    const REQUEST: &[u8] = b"GET /v1/vms HTTP/1.1\r\nhost: banger\r\nconnection: close\r\n\r\n";
    let socket = socket.to_owned();
    let thread = thread::spawn(move || {
        // Of this thread alone, which ends with it.
        set_thread_uid(Uid::from_raw(id)).unwrap();
        let mut stream = UnixStream::connect(socket).unwrap();
        stream.set_read_timeout(Some(GONE_LIMIT)).unwrap();
        let mut heard = String::new();
        match stream.write_all(REQUEST).and_then(|()| stream.read_to_string(&mut heard)) {
            Err(error)
                if error.kind() != ErrorKind::BrokenPipe && error.kind() != ErrorKind::ConnectionReset =>
            {
                panic!("hear: {error}")
            }
            _ => heard,
        }
    });
    thread.join().unwrap()
}

#[track_caller]
fn run(program: &mut Program) {
    assert!(program.status().unwrap().success(), "{program:?}");
}

#[test]
fn two_users_do_not_meet() {
    on_plain(|host| {
        if !is_root() {
            skip!(host, "root");
        }
        host.with_guests();
        let [anna, ben] = two_ids().map(|id| User::new(host, id));
        // Both may have a machine of one name, at the same time.
        let boots = [&anna, &ben]
            .map(|user| user.banger(host, &["vm", "create", "--name", "box"]).args(SMALL).start());
        for boot in boots {
            boot.finish().ok();
        }
        anna.banger(host, &["vm", "create", "--no-start", "--name", "hers"]).args(SMALL).run().ok();
        assert_eq!(
            (anna.names(host), ben.names(host)),
            (vec!["box".into(), "hers".into()], vec!["box".to_owned()])
        );
        for (user, said) in [(&anna, "anna"), (&ben, "ben")] {
            let script = format!("echo {said} > /root/who");
            user.banger(host, &["vm", "exec", "box", "--", "sh", "-c", &script]).run().ok();
        }
        for (user, said) in [(&anna, "anna\n"), (&ben, "ben\n")] {
            let who = user.banger(host, &["vm", "exec", "box", "--", "cat", "/root/who"]).run().ok();
            assert_eq!(who.stdout(), said);
        }
        ben.banger(host, &["vm", "delete", "hers"]).run().exits(1);

        // Neither finds a way to the other's: not by the environment, not by the sockets, not by the files.
        let told = ben.banger(host, &["vm", "list"]).env("XDG_RUNTIME_DIR", anna.path("run")).run();
        assert!(!told.stdout().contains("hers"), "{told:?}");
        let told = ben.banger(host, &["vm", "list"]).env("XDG_STATE_HOME", anna.path("state")).run();
        assert!(told.code != 0 || !told.stdout().contains("hers"), "{told:?}");
        ben.banger(host, &["daemon", "stop"]).env("XDG_STATE_HOME", ben.path("state")).run().ok();
        let vms = object(&anna.banger(host, &["vm", "list", "--json"]).run().ok(), "vms");
        let dir = PathBuf::from(vms[0]["dir"].as_str().unwrap());
        for path in [anna.path("run/banger/bangerd.sock"), dir.join("link.sock"), dir.join("home.ext4")] {
            assert!(path.exists(), "{}", path.display());
            let look = format!("test -e {0}", path.display());
            ben.program(host, "sh").args(["-c", &look]).run().exits(1);
        }

        // A mode that somebody widened by hand lets nobody in either.
        for path in [anna.path("run"), anna.path("run/banger"), anna.path("run/banger/bangerd.sock")] {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
        }
        let socket = anna.path("run/banger/bangerd.sock");
        assert_eq!(heard_as(ben.id, &socket), "", "Ben reaches the socket now, and is hung up on");
        // Root may, so what is above could have been otherwise.
        assert!(heard_as(0, &socket).contains("hers"));
        // And Anna herself is told of it.
        let told = anna.banger(host, &["vm", "list"]).run().exits(3).stderr();
        assert!(told.contains("is open to others"), "{told}");
        for path in [anna.path("run"), anna.path("run/banger")] {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        }

        anna.banger(host, &["vm", "delete", "box", "hers"]).run().ok();
        ben.banger(host, &["vm", "delete", "box"]).run().ok();
        anna.leaves_nothing(host);
        ben.leaves_nothing(host);
    });
}

#[test]
fn runtime_directory_of_others_is_refused() {
    on_plain(|host| {
        let runtime = host.dir().join("run/banger");
        let elsewhere = host.dir().join("elsewhere");
        fs::DirBuilder::new().mode(0o700).create(&elsewhere).unwrap();
        let refused = |words: &str| {
            for args in [
                &["vm", "list"][..],
                &["vm", "run", "--", "true"],
                &["daemon", "status"],
                &["daemon", "stop"],
            ] {
                let code = if args[1] == "run" { 125 } else { 3 };
                let told = host.banger(args).run().exits(code).stderr();
                assert!(told.contains(words) && told.contains("run/banger"), "{args:?}: {told}");
                assert_eq!(told.lines().count(), 2, "a hint: {told}");
            }
            let told = host.program("bangerd").run().exits(3).stderr();
            assert!(told.contains(words), "{told}");
            assert_eq!(processes(host.dir()).len(), 0, "nothing was started");
        };
        symlink(&elsewhere, &runtime).unwrap();
        refused("is a link");
        assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
        fs::remove_file(&runtime).unwrap();

        fs::write(&runtime, "").unwrap();
        refused("is no directory");
        fs::remove_file(&runtime).unwrap();

        for mode in [0o770, 0o701, 0o1777] {
            fs::DirBuilder::new().mode(0o700).create(&runtime).unwrap();
            fs::set_permissions(&runtime, fs::Permissions::from_mode(mode)).unwrap();
            refused("is open to others");
            fs::remove_dir(&runtime).unwrap();
        }
        if is_root() {
            fs::DirBuilder::new().mode(0o700).create(&runtime).unwrap();
            chown(&runtime, Some(two_ids()[0]), None).unwrap();
            refused("belongs to user");
            fs::remove_dir(&runtime).unwrap();
        }
        host.banger(["vm", "list"]).run().ok();
    });
}

#[test]
fn no_runtime_directory_is_needed() {
    on_plain(|host| {
        if !is_root() {
            skip!(host, "root");
        }
        let [id, _] = two_ids();
        let user = User::new(host, id);
        let runtime = PathBuf::from(format!("/tmp/banger-{id}"));
        let banger =
            |args: &[&str]| user.program(host, "env").args(["-u", "XDG_RUNTIME_DIR", "banger"]).args(args);
        let told = banger(&["daemon", "socket"]).run().ok().stdout();
        assert_eq!(told, format!("{}/bangerd.sock\n", runtime.display()));
        banger(&["vm", "list"]).run().ok();
        assert_eq!(fs::metadata(&runtime).unwrap().permissions().mode() & 0o7777, 0o700);
        banger(&["daemon", "stop"]).run().ok();
        let gone = wait_until(GONE_LIMIT, || processes(user.dir.path()).is_empty().then_some(()));
        assert!(gone.is_some(), "{:#?}", processes(user.dir.path()));
        assert_eq!(fs::read_dir(&runtime).unwrap().count(), 0);
        fs::remove_dir(&runtime).unwrap();

        // Somebody was there first: a user whose number can be guessed is not let into a trap.
        fs::DirBuilder::new().mode(0o700).create(&runtime).unwrap();
        let told = banger(&["vm", "list"]).run().exits(3).stderr();
        fs::remove_dir(&runtime).unwrap();
        assert!(told.contains("belongs to user 0"), "{told}");
        assert_eq!(processes(user.dir.path()).len(), 0, "nothing was started");
    });
}
