//! Ports: who listens in a guest, and how that is reached.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    time::Duration,
};

use smoke::{Host, Running};

/// Answers each connection with what it was sent, in capitals.
pub(super) const SERVER: &str = "use IO::Socket::INET; \
    my $s = IO::Socket::INET->new(Listen => 5, LocalAddr => $ARGV[0], LocalPort => $ARGV[1], ReuseAddr => 1) or die; \
    $| = 1; print qq(listening\\n); \
    while (my $c = $s->accept) { my $l = <$c>; print $c uc $l; close $c }";

fn serve(host: &Host, name: &str, address: &str, port: &str) -> Running {
    let mut server = host.banger(["vm", "exec", name, "--", "perl", "-e", SERVER, address, port]).start();
    server.wait_for_text("listening");
    server
}

fn ask(host: &Host, port: u16, text: &str) -> String {
    let mut stream = host.in_its_network(|| TcpStream::connect((Ipv4Addr::LOCALHOST, port))).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// A port that is free, and that the system gives to nobody who asks for any.
pub(crate) fn free_port(host: &Host) -> u16 {
    let first = 20_000 + u16::try_from(std::process::id() % 10_000).unwrap();
    let is_free =
        |port: &u16| host.in_its_network(|| TcpListener::bind((Ipv4Addr::LOCALHOST, *port))).is_ok();
    (first..32_000).find(is_free).unwrap()
}

pub(crate) fn publish(host: &Host) {
    let port = free_port(host);
    let create = ["vm", "create", "--name", "web", "--image", "debian-small", "--publish", "81"];
    let create = host.with_guests().banger(create);
    create.args(["--publish", &format!("{port}:80")]).run().ok();
    let published = host.vm("web")["published"].clone();
    println!("{published}");
    let given = published.as_array().unwrap();
    assert_eq!(given.len(), 2);

    let server = serve(host, "web", "127.0.0.1", "80");
    assert_eq!(ask(host, port, "over there\n"), "OVER THERE\n");

    let ports = host.banger(["vm", "ports", "--json", "web"]).run().ok().json();
    let listed = ports["ports"].as_array().unwrap();
    let found = listed.iter().find(|listener| listener["port"] == 80).unwrap();
    assert_eq!(found["address"], "127.0.0.1");
    assert_eq!(found["process"], "perl");
    assert_eq!(found["reached_at"], format!("127.0.0.1:{port}"));
    drop(server);

    // A port that somebody has is refused before anything is made, and free again after the machine.
    let another = ["vm", "create", "--name", "other", "--image", "debian-small"];
    let refused = host.banger(another).args(["--publish", &format!("{port}:80")]).run();
    assert!(refused.code != 0 && refused.stderr().contains(&port.to_string()), "{}", refused.stderr());
    assert_eq!(host.names(), ["web"]);
    host.delete("web");
    host.in_its_network(|| TcpListener::bind((Ipv4Addr::LOCALHOST, port))).unwrap();
}

pub(crate) fn ports(host: &Host) {
    let _all = serve(host, "box", "0.0.0.0", "8080");
    let _local = serve(host, "box", "127.0.0.1", "9090");
    let output = host.banger(["vm", "ports", "box"]).run().ok().stdout();
    let line = |port: &str| output.lines().find(|line| line.starts_with(port)).unwrap_or_default().to_owned();
    assert!(line("8080").contains("0.0.0.0") && line("8080").contains("perl"), "{output}");
    assert!(line("9090").contains("127.0.0.1"), "{output}");
}
