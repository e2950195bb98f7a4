//! The network of guests, seen from guests: apart from each other, let out or not, found by name.

use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};

use smoke::{Host, Outside, Running, on_service, skip};

use crate::{
    common::reach,
    system::{install, uninstall},
};

/// Asks for an echo, as `ping` does; exits with 0 where it comes back within so many seconds, with 9 otherwise.
const PING: &str = "use Socket; $SIG{ALRM} = sub { exit 9 }; alarm $ARGV[-1]; \
    my $sum = 0; $sum += $_ for unpack('n*', pack('CCnnn', 8, 0, 0, 7, 1)); \
    socket(my $s, PF_INET, SOCK_RAW, 1) or die; \
    send($s, pack('CCnnn', 8, 0, ~$sum & 0xffff, 7, 1), 0, sockaddr_in(0, inet_aton($ARGV[0]))) or exit 9; \
    do { recv($s, $b, 100, 0) } until unpack('x20 C', $b) == 0;";

/// Connects, and prints what it is told; exits with 9 where it cannot.
const CONNECT: &str = "use IO::Socket::INET; my $s = IO::Socket::INET->new(PeerAddr => $ARGV[0], PeerPort => $ARGV[1], \
    Timeout => $ARGV[-1]) or exit 9; print $s qq(GET / HTTP/1.0\\r\\n\\r\\n); print <$s>";

/// Sends a datagram and waits for one; exits with 9 where none comes.
const DATAGRAM: &str = "use IO::Socket::INET; $SIG{ALRM} = sub { exit 9 }; alarm $ARGV[-1]; \
    my $s = IO::Socket::INET->new(Proto => 'udp', PeerAddr => $ARGV[0], PeerPort => $ARGV[1]) or exit 9; \
    $s->send('hello') or exit 9; defined $s->recv($b, 100) or exit 9; print $b;";

/// Answers each request with two words. One that closes with something unread would end the connection by force.
const SERVE: &str = "use IO::Socket::INET; my $s = IO::Socket::INET->new(Listen => 5, LocalPort => 8080, ReuseAddr => 1) \
    or die; $| = 1; print qq(listening\\n); while (my $c = $s->accept) { \
    while (<$c>) { last if /^\\s*$/ } print $c qq(HTTP/1.0 200 OK\\r\\n\\r\\na guest\\n); close $c }";

/// How long is waited for what is to come, by a guest that may not be run for a while; and for what must not.
const COMES_SECS: &str = "60";
const NEVER_SECS: &str = "4";

/// Holds a script in a guest to reach what it asks for.
#[track_caller]
fn reaches(host: &Host, name: &str, script: &str, args: &[&str]) -> smoke::Output {
    perl(host, name, script, args, COMES_SECS).ok()
}

/// Holds it to reach nothing.
#[track_caller]
fn reaches_nothing(host: &Host, name: &str, script: &str, args: &[&str]) {
    perl(host, name, script, args, NEVER_SECS).exits(9);
}

fn perl(host: &Host, name: &str, script: &str, args: &[&str], seconds: &str) -> smoke::Output {
    host.banger(["vm", "exec", name, "--", "perl", "-e", script]).args(args).args([seconds]).run()
}

/// Where a machine is, as its name says on the host.
fn address(host: &Host, name: &str) -> String {
    let found = host.root(["getent", "ahostsv4", &format!("{name}.vm")]).run().ok().stdout();
    found.split_whitespace().next().unwrap().to_owned()
}

fn serve(host: &Host, name: &str) -> Running {
    let mut server = host.banger(["vm", "exec", name, "--", "perl", "-e", SERVE]).start();
    server.wait_for_text("listening");
    server
}

#[test]
fn guests_are_apart() {
    on_service(|host| {
        if host.is_computer() {
            skip!(host, "a network that can be entered");
        }
        install(host);
        for name in ["left", "right"] {
            host.start_small(name);
        }
        host.also("a_start_asks_for_all_machines_at_once", || a_start_asks_for_all_machines_at_once(host));
        let outside = host.outside();
        host.also("guests_isolated", || guests_isolated(host));
        host.also("of_the_host_there_is_an_echo", || of_the_host_there_is_an_echo(host));
        host.also("egress_and_names", || egress_and_names(host, &outside));
        host.delete("right");
        host.also("no_nat_is_off", || no_nat_is_off(host, &outside));
        host.also("a_name_goes_with_its_machine", || {
            assert_ne!(host.root(["getent", "hosts", "right.vm"]).run().code, 0);
            assert_eq!(host.owned_by_nobody(), [""; 0]);
        });
        host.delete("left");
        host.also("publish", || reach::publish(host));
        assert_eq!(host.owned_by_nobody(), [""; 0]);
        let rules = host.root(["nft", "list", "ruleset"]).run().ok().stdout();
        assert!(!rules.contains("172.30.0.2"), "{rules}");
        uninstall(host);
        assert_eq!(host.root(["nft", "list", "ruleset"]).run().ok().stdout(), "");
    });
}

/// A daemon that takes machines up asks the helper once, however many there are: each answer costs systemd two
/// questions for every machine.
fn a_start_asks_for_all_machines_at_once(host: &Host) {
    let asked = || {
        host.root(["journalctl", "--sync"]).run().ok();
        host.journal("bangerd-root.service").matches("operation=\"machines\"").count()
    };
    let before = asked();
    host.root(["systemctl", "restart", "bangerd.service"]).run().ok();
    assert_eq!(asked() - before, 1);
}

/// Neither an echo nor a connection comes from one to the other, while the host has both.
fn guests_isolated(host: &Host) {
    let (left, right) = (address(host, "left"), address(host, "right"));
    for (from, to) in [("left", &right), ("right", &left)] {
        let name = if from == "left" { "right" } else { "left" };
        let _server = serve(host, name);
        host.root(["ping", "-c", "1", "-W", COMES_SECS, to]).run().ok();
        assert_is_reached(host, to);
        reaches_nothing(host, from, PING, &[to]);
        reaches_nothing(host, from, CONNECT, &[to, "8080"]);
    }
}

/// The gateway gives an echo back, and nothing that listens on the host is reached, at whichever of its addresses.
fn of_the_host_there_is_an_echo(host: &Host) {
    let listener = host.in_its_network(|| TcpListener::bind((Ipv4Addr::UNSPECIFIED, 4322))).unwrap();
    host.in_network_outside(|| TcpStream::connect(("198.51.100.2", 4322))).unwrap();
    reaches(host, "left", PING, &["172.30.0.1"]);
    for address in ["172.30.0.1", "198.51.100.2", "127.0.0.1"] {
        reaches_nothing(host, "left", CONNECT, &[address, "4322"]);
    }
    drop(listener);
}

fn egress_and_names(host: &Host, outside: &Outside) {
    let beyond = "203.0.113.1";
    reaches(host, "left", PING, &[beyond]);
    let told = reaches(host, "left", CONNECT, &[beyond, "80"]).stdout();
    assert!(told.contains("198.51.100.2"), "it comes from the host: {told}");
    assert!(outside.heard().iter().any(|heard| heard.starts_with("198.51.100.2 ")));
    let datagrams = datagrams(host);
    reaches_nothing(host, "left", DATAGRAM, &[beyond, "53"]);
    assert_eq!(datagrams.recv_from(&mut [0; 16]).unwrap().1.ip().to_string(), "198.51.100.2");
}

/// A socket beyond the gateway. Nothing is waited for at it: who sent is heard of before.
fn datagrams(host: &Host) -> UdpSocket {
    let socket = host.in_network_outside(|| UdpSocket::bind((Ipv4Addr::new(203, 0, 113, 1), 53))).unwrap();
    socket.set_nonblocking(true).unwrap();
    socket
}

/// One that is to reach nothing has its sessions, and reaches nothing: by no protocol, and nobody.
fn no_nat_is_off(host: &Host, outside: &Outside) {
    host.banger(["vm", "create", "--name", "right", "--image", "debian-small", "--no-nat"]).run().ok();
    // With a way of its own making, since it is given none.
    let way = "ip route replace default via 172.30.0.1 2>/dev/null || true; hostname";
    assert_eq!(host.sh("right", way).run().ok().stdout(), "right\n");
    let before = outside.heard().len();
    let datagrams = datagrams(host);
    for script in [PING, CONNECT, DATAGRAM] {
        let port = if script == DATAGRAM { "53" } else { "80" };
        reaches_nothing(host, "right", script, &["203.0.113.1", port]);
    }
    reaches_nothing(host, "right", CONNECT, &[&address(host, "left"), "8080"]);
    assert_eq!(outside.heard().len(), before);
    assert!(datagrams.recv_from(&mut [0; 16]).is_err(), "a datagram came out");
    // The host reaches it still.
    let _server = serve(host, "right");
    assert_is_reached(host, &address(host, "right"));
    host.delete("right");
}

/// The host reaches what a guest serves.
#[track_caller]
fn assert_is_reached(host: &Host, address: &str) {
    let url = format!("http://{address}:8080/");
    let told = host.program("curl").args(["-sS", "--max-time", "10", &url]).run().ok();
    assert_eq!(told.stdout(), "a guest\n");
}
