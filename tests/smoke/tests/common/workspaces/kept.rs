//! What stays, and what an interrupted copy leaves.

use smoke::{Command, Host};

use super::repo::Repo;

pub(crate) fn survives_stop_start(host: &Host) {
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

/// Presses Ctrl-C as soon as the terminal shows `text`.
fn interrupt(command: Command, text: &str) {
    let mut running = command.env("TERM", "xterm").on_terminal(24, 100).start();
    running.wait_for_text(text);
    running.types("\u{3}");
    let output = running.finish().exits(130);
    assert!(output.stdout().contains("cancelled"), "{}", output.stdout());
}

pub(crate) fn an_interrupted_copy_leaves_what_was_there(host: &Host) {
    let repo = Repo::at(host, "app");
    let look = || host.sh("box", "cat tracked; ls -A /root").run().ok().stdout();
    let before = look();
    // Enough for the copy to take a while, and for its history to.
    repo.sh("head -c 67108864 /dev/urandom >large");
    let prepare = || host.banger(["vm", "workspace", "prepare", "box", "app", "--include-untracked"]);
    interrupt(prepare(), "copying the repository");
    // At a terminal it reaches the git that is called as well.
    interrupt(prepare(), "copying its history");
    // In a new machine there is nothing else: it goes, too.
    let run = ["vm", "run", "app", "--name", "other", "--image", "debian-small", "--include-untracked"];
    interrupt(host.banger(run).args(["--", "true"]), "copying the repository");
    repo.sh("rm large");
    assert_eq!(look(), before);
    assert_eq!(host.names(), ["box"]);
}
