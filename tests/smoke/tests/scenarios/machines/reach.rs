//! Ports and the way out: who listens in a guest, and what a guest reaches.

use std::{
    io::Write,
    net::{Ipv4Addr, TcpListener},
};

use smoke::{Host, on_plain};

use crate::common::reach;

#[test]
fn publish() {
    on_plain(reach::publish);
}

pub(super) fn egress(host: &Host) {
    // 10.0.2.2 is this host, as a guest of user-mode networking knows it.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let client = "use IO::Socket::INET; \
        my $s = IO::Socket::INET->new(PeerAddr => $ARGV[0], PeerPort => $ARGV[1], Timeout => 20) or exit 9; print <$s>";
    let mut asks = host.banger(["vm", "exec", "box", "--", "perl", "-e", client, "10.0.2.2"]);
    asks = asks.args([port.to_string()]);
    let asks = asks.start();
    listener.accept().unwrap().0.write_all(b"from outside\n").unwrap();
    assert_eq!(asks.finish().ok().stdout(), "from outside\n");

    // One that is to reach nothing has its sessions all the same.
    let run = ["-q", "vm", "run", "--rm", "--image", "debian-small", "--memory", "512M", "--no-nat", "--"];
    let run = host.banger(run).args(["perl", "-e", client, "10.0.2.2"]);
    run.args([port.to_string()]).run().exits(9);
}
