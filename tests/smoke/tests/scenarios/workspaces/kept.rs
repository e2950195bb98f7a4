//! What stays, and what an interrupted copy leaves.

use std::fs;

use smoke::Host;

use super::repo::Repo;

pub(super) fn survives_stop_start(host: &Host) {
    host.banger(["vm", "workspace", "prepare", "box", "app", "--overwrite"]).run().ok();
    host.sh("box", "echo kept > kept").run().ok();
    host.banger(["vm", "stop", "box"]).run().ok();
    host.banger(["vm", "exec", "box", "--", "true"]).run().exits(125);
    host.banger(["vm", "start", "box"]).run().ok();
    let repo = Repo::at(host, "app");
    assert_eq!(
        host.sh("box", "pwd; cat kept tracked").run().ok().stdout(),
        format!("/root/repo\nkept\n{}", repo.read("tracked"))
    );
}

pub(super) fn an_interrupted_copy_leaves_what_was_there(host: &Host) {
    let repo = Repo::at(host, "app");
    let before = host.sh("box", "cat tracked; ls -A /root").run().ok().stdout();
    // Enough for the copy to take a while.
    fs::write(repo.path().join("large"), vec![1; 96 << 20]).unwrap();
    let prepare = ["vm", "workspace", "prepare", "box", "app", "--include-untracked"];
    let mut running = host.banger(prepare).start();
    running.wait_for_text("copying the repository");
    running.signal(rustix::process::Signal::INT);
    running.finish().exits(130);
    fs::remove_file(repo.path().join("large")).unwrap();
    assert_eq!(host.sh("box", "cat tracked; ls -A /root").run().ok().stdout(), before);

    // In a new machine there is nothing else: it goes, too.
    fs::write(repo.path().join("large"), vec![1; 96 << 20]).unwrap();
    let run = [
        "vm",
        "run",
        "app",
        "--name",
        "other",
        "--image",
        "debian-small",
        "--include-untracked",
        "--",
        "true",
    ];
    let mut running = host.banger(run).start();
    running.wait_for_text("copying the repository");
    running.signal(rustix::process::Signal::INT);
    running.finish().exits(130);
    fs::remove_file(repo.path().join("large")).unwrap();
    assert_eq!(host.names(), ["box"]);
}
