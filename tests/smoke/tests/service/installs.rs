//! Hosts on which an install does not come first: it works there, or says what to do, and that helps.

use smoke::{FIRST, Host, NEXT, Releases, on_service, skip};

use crate::system::{INSTALL, uninstall};

/// A VPN's: most of what is private leads into it. What is left is a piece of 192.168.0.0/16.
const VPN: &str = "set -e
    ip link add vpn0 type bridge
    ip link set vpn0 up
    ip address add 10.8.0.2/24 dev vpn0
    for route in 10.0.0.0/8 172.16.0.0/12 192.168.0.0/17 100.64.0.0/10; do ip route add $route dev vpn0; done";
/// And what it takes when it is begun again.
const MORE_VPN: &str = "ip route add 192.168.192.0/18 dev vpn0";

/// What a host has where somebody else's packet filter forwards nothing that it does not know.
const DROPS: &str = "set -e
    nft add table inet mine
    nft add chain inet mine forward '{ type filter hook forward priority filter; policy drop; }'";

/// As its hint says.
const PASSES: &str = "set -e
    nft add rule inet mine forward iifname banger0 accept
    nft add rule inet mine forward oifname banger0 ct state established,related accept";

/// What docker makes of a host's packet filter.
const DOCKER: &str = "set -e
    nft add table ip filter
    nft add chain ip filter DOCKER-USER
    nft add chain ip filter FORWARD '{ type filter hook forward priority filter; policy drop; }'
    nft add rule ip filter FORWARD jump DOCKER-USER";

/// Connects to what lies beyond the gateway; exits with 9 where it cannot.
const CONNECT: &str = "use IO::Socket::INET; my $s = IO::Socket::INET->new(PeerAddr => '203.0.113.1:80', Timeout => $ARGV[0]) \
    or exit 9; print $s qq(GET / HTTP/1.0\\r\\n\\r\\n); print <$s>";

/// The traces of an install of long ago: a bridge, a tap, rules, a machine's unit and its files.
const LEFT: &str = "set -e
    ip link add banger0 type bridge
    ip address add 172.30.0.1/16 dev banger0
    ip link set banger0 up
    ip tuntap add dev bgr-0a0b0c0d mode tap
    ip link set bgr-0a0b0c0d master banger0
    nft add table inet banger
    nft add chain inet banger forward '{ type filter hook forward priority filter; policy drop; }'
    systemd-run --quiet --unit=banger-vm-0123456789ab.service --slice=banger.slice sleep 600
    mkdir -p /var/lib/banger-root/machines/0123456789ab /run/banger-vm/0123456789ab
    echo '172.30.0.9 old.vm' >>/etc/hosts
    echo '[Unit]' >/etc/systemd/system/bangerd.socket
    printf '#!/bin/sh\\n' >/usr/local/bin/bangerd
    ln -s /nowhere /etc/systemd/system/bangerd.service";

fn sh(host: &Host, script: &str) -> String {
    host.root(["sh", "-c", script]).run().ok().stdout()
}

/// What the doctor says of one thing: its verdict, its words, its hint.
fn doctor(host: &Host, name: &str) -> (String, String) {
    let told = host.banger(["doctor", "--json"]).run().json();
    let checks = told["doctor"]["checks"].as_array().unwrap().clone();
    let check = checks.into_iter().find(|check| check["name"] == name).unwrap();
    (check["verdict"].as_str().unwrap().to_owned(), check.to_string())
}

/// As a person does it who was told of banger: fetched, run, asked once.
#[test]
fn install_sh_installs_for_the_system() {
    on_service(|host| {
        let before = host.traces();
        let releases = Releases::serve(host);
        releases.offer_first();
        let [_, url, _, key] = releases.words();
        host.root(["install", "-m", "0644", key, "/tmp/key.pub"]).run().ok();
        let script = url.replace("manifest.json", "install.sh");
        host.program("curl").args(["-fsSL", "-o", "/tmp/install.sh", &script]).run().ok();
        let from = [format!("--manifest-url={url}"), "--pubkey-file=/tmp/key.pub".to_owned()];
        let install = || host.program("sh").args(["/tmp/install.sh", "--version", FIRST]).args(&from);

        let answered = |answer: &str| {
            let mut asking = install().on_terminal(40, 120).start();
            asking.wait_for_text("Go on? [y/N]");
            asking.types(answer);
            asking.finish()
        };
        assert!(answered("n\r").exits(3).stdout().contains("nothing was installed"));
        let said = answered("y\r").ok().stdout();
        assert_eq!(said.matches("[y/N]").count(), 1, "it is asked once: {said}");
        uninstall(host);
        let said = install().run().exits(3).stderr();
        assert!(said.contains("there is no terminal to ask on"), "{said}");

        let said = install().args(["--yes"]).run().ok().stderr();
        assert!(said.contains("Root is used for one command"), "{said}");
        let version = host.banger(["version"]).run().ok().stdout();
        assert!(version.starts_with(&format!("version: {FIRST}\n")), "{version}");
        for check in ["files", "layout", "units", "services"] {
            assert_eq!(doctor(host, check).0, "pass", "{check}");
        }
        host.with_guests();
        host.start_small("one");
        // As root's own shell may have it, too.
        releases.offer(NEXT, |_| ());
        let update = "umask 077; exec banger update --trial-seconds 1 \"$@\"";
        host.root(["sh", "-c", update, "sh"]).args(releases.words()).run().ok();
        let version = host.banger(["version"]).run().ok().stdout();
        assert!(version.starts_with(&format!("version: {NEXT}\n")), "{version}");
        host.delete("one");
        uninstall(host);
        // The last is sudo's own.
        let left = ["/tmp/install.sh", "/tmp/key.pub", "/home/dev/.sudo_as_admin_successful"];
        host.root(["rm"]).args(left).run().ok();
        assert_eq!(host.traces().since(&before), [""; 0]);
    });
}

#[test]
fn a_host_that_is_not_empty_is_installed_on() {
    on_service(|host| {
        if host.is_computer() {
            skip!(host, "a network that can be entered");
        }
        let before = host.traces();
        sh(host, LEFT);
        sh(host, VPN);
        host.also("names_that_others_have_are_left_alone", || names_that_others_have(host));
        host.with_guests();
        sh(
            host,
            "touch /etc/hosts.mine; cp -p /etc/hosts /etc/hosts.mine; mount --bind -o ro /etc/hosts.mine /etc/hosts",
        );
        host.banger(["vm", "create", "--name", "one", "--image", "debian-small"]).run().ok();
        host.also("what_was_left_is_swept", || what_was_left_is_swept(host));
        host.also("hosts_file_that_cannot_be_written", || hosts_file(host));
        host.also("subnet_avoids_host_routes", || subnet_avoids_host_routes(host));
        host.also("a_policy_that_drops", || a_policy_that_drops(host));
        host.delete("one");
        host.also("subnet_counts_for_the_next_machine", || subnet_counts_for_the_next(host));
        uninstall(host);
        sh(
            host,
            "ip link delete vpn0; rm -f /usr/local/bin/bangerd.old /etc/systemd/system/bangerd.service.old /etc/hosts.mine",
        );
        sh(host, "sed -i '/old[.]vm/d' /etc/hosts");
        assert_eq!(host.traces().since(&before), [""; 0]);
    });
}

/// Each is named with what to do, nothing is written before all are out of the way, and doing it helps.
fn names_that_others_have(host: &Host) {
    let before = host.traces();
    let mut moved = vec![];
    while let output = host.root(INSTALL).run()
        && output.code != 0
    {
        let said = output.exits(3).stderr();
        assert_eq!(
            host.traces().since(&before).iter().filter(|line| !line.contains(".old")).count(),
            2 * moved.len(),
            "{said}"
        );
        let hint = said.lines().find_map(|line| line.split_once("where it is not needed: sudo ")).unwrap().1;
        sh(host, hint);
        moved.push(hint.to_owned());
    }
    let wanted = ["/etc/systemd/system/bangerd.service", "/usr/local/bin/bangerd"];
    assert_eq!(moved, wanted.map(|path| format!("mv {path} {path}.old")));
}

fn what_was_left_is_swept(host: &Host) {
    assert_eq!(host.owned_by_nobody(), ["name old"]);
    let links = sh(host, "ip -oneline link show");
    assert!(!links.contains("bgr-0a0b0c0d"), "{links}");
    assert!(
        !sh(host, "ip -oneline address show dev banger0").contains("172.30.0.1"),
        "the address of before is gone"
    );
    assert_eq!(doctor(host, "network").0, "pass");
    assert_eq!(doctor(host, "strays").0, "pass");
}

/// The machine runs without a name, and is told of; when the file can be written again, it has one.
fn hosts_file(host: &Host) {
    let (verdict, said) = doctor(host, "names");
    assert_eq!(verdict, "warn", "{said}");
    assert!(said.contains("/etc/hosts is mounted over") && said.contains("`ssh <name>.vm` works"), "{said}");
    assert_eq!(host.sh("one", "hostname").run().ok().stdout(), "one\n");
    sh(host, "umount /etc/hosts");
    host.banger(["doctor", "--fix"]).run().ok();
    host.root(["ping", "-c", "1", "-W", "60", "one.vm"]).run().ok();
    sh(host, "chattr +i /etc/hosts");
    let (verdict, said) = doctor(host, "names");
    sh(host, "chattr -i /etc/hosts");
    assert!(verdict == "pass" || said.contains("immutable"), "{said}");
}

/// It took what was free; what comes later is told of, and the machine is where it was.
fn subnet_avoids_host_routes(host: &Host) {
    let routes = sh(host, "ip route show dev banger0");
    assert!(routes.starts_with("192.168.208.0/20"), "{routes}");
    assert_eq!(doctor(host, "routes").0, "pass");
    sh(host, MORE_VPN);
    let (verdict, said) = doctor(host, "routes");
    assert_eq!(verdict, "warn");
    assert!(
        said.contains("192.168.192.0/18") && said.contains("Set `subnet` in /etc/banger/config.toml"),
        "{said}"
    );
    host.root(["ping", "-c", "1", "-W", "60", "one.vm"]).run().ok();
    assert_eq!(host.sh("one", "hostname").run().ok().stdout(), "one\n");
}

/// What `doctor` says to set does what it says, once the last machine of the old network is gone.
fn subnet_counts_for_the_next(host: &Host) {
    sh(
        host,
        "echo 'subnet = \"192.168.144.0/20\"' >/etc/banger/config.toml; chmod 644 /etc/banger/config.toml",
    );
    host.root(["banger", "system", "restart"]).run().ok();
    host.banger(["vm", "create", "--name", "two", "--image", "debian-small"]).run().ok();
    let routes = sh(host, "ip route show dev banger0");
    assert!(routes.starts_with("192.168.144.0/20"), "{routes}");
    assert_eq!(doctor(host, "routes").0, "pass");
    host.root(["ping", "-c", "1", "-W", "60", "two.vm"]).run().ok();
    host.delete("two");
}

/// Who drops what machines send is named, with what to do about it; doing it helps.
fn a_policy_that_drops(host: &Host) {
    let outside = host.outside();
    let ask = |seconds| host.banger(["vm", "exec", "one", "--", "perl", "-e", CONNECT, seconds]).run();
    ask("60").ok();
    sh(host, DROPS);
    ask("4").exits(9);
    let (verdict, said) = doctor(host, "forward");
    assert_eq!(verdict, "warn", "{said}");
    let hint = "Let what comes from banger0, and replies to it, pass the chain inet mine forward;";
    assert!(said.contains("the chain inet mine forward drops") && said.contains(hint), "{said}");
    sh(host, PASSES);
    ask("60").ok();
    sh(host, "nft delete table inet mine");

    // Its own rule would do, and the program that keeps its rules is not here.
    sh(host, DOCKER);
    let (verdict, said) = doctor(host, "forward");
    assert_eq!(verdict, "warn", "{said}");
    assert!(said.contains("docker's policy for forwarded packets drops what machines send"), "{said}");
    assert!(said.contains("Install the package that has iptables."), "{said}");
    sh(host, "nft delete table ip filter");
    drop(outside);
}
