//! Tools that a repository pins, had by a stand-in for mise. It comes as mise does: over TLS from its own name, which is
//! this guest's own loopback. Needs an image with curl, openssl and Python.

use smoke::{Command, Host, Running};

use super::{
    outward::{BOX, prepare},
    repo::Repo,
};

/// A certificate of its own making for the name.
const SET_UP: &str = "set -e
    mkdir -p /srv/mise/served && cd /srv/mise
    grep -q ' mise.run$' /etc/hosts || echo 127.0.0.1 mise.run >>/etc/hosts
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=mise.run \
        -addext subjectAltName=DNS:mise.run -keyout key -out cert";

/// Has the guest believe it.
const TRUST: &str = "cat /srv/mise/cert >>/etc/ssl/certs/ca-certificates.crt";

const SERVER: &str = "import http.server, os, ssl
server = http.server.HTTPServer(('127.0.0.1', 443), http.server.SimpleHTTPRequestHandler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain('/srv/mise/cert', '/srv/mise/key')
server.socket = context.wrap_socket(server.socket, server_side=True)
os.chdir('/srv/mise/served')
print('listening', flush=True)
server.serve_forever()";

/// What is at the address itself: the script that gets mise.
const INSTALLER: &str = r#"#!/bin/sh
set -eu
mkdir -p "$HOME/.local/bin"
curl -fsS -o "$HOME/.local/bin/mise" https://mise.run/mise
chmod 0755 "$HOME/.local/bin/mise"
echo 'mise is there now'
"#;

/// All of mise that is asked for, for a file with one tool of one file.
const MISE: &str = r#"#!/bin/sh
set -eu
[ "$MISE_TRUSTED_CONFIG_PATHS" = "$PWD" ] || { echo "nobody trusts $PWD"; exit 1; }
read -r name version <<END
$(cat .mise.toml .tool-versions 2>/dev/null | sed -n 's/^\([a-z]*\)[ =]*"\{0,1\}\([0-9.]*\)"\{0,1\}$/\1 \2/p')
END
bin=$HOME/.local/share/mise/installs/$name/$version/bin
case $1,${2-} in
install,)
    [ "$MISE_YES" = 1 ]
    mkdir -p "$bin"
    curl -fsS -o "$bin/$name" "https://mise.run/$name-$version"
    chmod 0755 "$bin/$name"
    echo "$name $version is there now"
    ;;
exec,--)
    shift 2
    PATH=$bin:$PATH
    exec "$@"
    ;;
esac
"#;

fn in_guest(host: &Host, script: &str) -> Command {
    host.banger(["vm", "exec", "--guest-path", "/", BOX, "--", "sh", "-c", script])
}

/// Begins to serve the stand-in and two versions of a tool, under a name that nobody believes yet.
fn serve(host: &Host) -> Running {
    in_guest(host, SET_UP).run().ok();
    let tool = |version: &str| format!("#!/bin/sh\necho \"greeter {version}: $*\"\nexit 7\n");
    for (name, text) in [
        ("index.html", INSTALLER.to_owned()),
        ("mise", MISE.to_owned()),
        ("greeter-1.2.3", tool("1.2.3")),
        ("greeter-2.0.0", tool("2.0.0")),
    ] {
        in_guest(host, &format!("cat >/srv/mise/served/{name}")).stdin(text).run().ok();
    }
    let mut server = in_guest(host, &format!("exec python3 -c \"{SERVER}\"")).start();
    server.wait_for_text("listening");
    server
}

/// A repository that pins a version of it in `file`.
fn pinned(host: &Host, name: &str, file: &str, text: &str) {
    let repo = Repo::plant(host, name);
    repo.write(file, text);
    repo.git(&["add", file]);
}

pub(crate) fn tools_that_are_pinned(host: &Host) {
    let server = serve(host);
    pinned(host, "by-mise", ".mise.toml", "[tools]\ngreeter = \"1.2.3\"\n");
    pinned(host, "by-asdf", ".tool-versions", "greeter 2.0.0\n");
    pinned(host, "by-hand", ".tool-versions", "greeter 3.0.0\n");
    let log = |name: &str| format!("/root/.cache/banger/tools-{name}.log");
    let place = |name: &str| format!("/srv/{name}");

    // Whoever only says that it is mise is not believed, and nothing of it runs.
    let told = prepare(host, &["by-mise", "--guest-path", &place("by-mise")]).ok().stderr();
    assert!(told.contains("install the tools of .mise.toml"), "{told}");
    let refused = format!("grep -q 'SSL certificate problem' {} && test ! -e /root/.local", log("by-mise"));
    in_guest(host, &refused).run().ok();

    in_guest(host, TRUST).run().ok();
    for (name, file, version) in [("by-mise", ".mise.toml", "1.2.3"), ("by-asdf", ".tool-versions", "2.0.0")]
    {
        let told = prepare(host, &[name, "--guest-path", &place(name)]).ok().stderr();
        assert!(told.contains(&format!("the tools of {file} are installed")), "{told}");
        assert!(told.contains(&log(name)), "{told}");
        let kept = in_guest(host, &format!("cat {}", log(name))).run().ok().stdout();
        assert!(kept.contains(&format!("greeter {version} is there now")), "{kept}");
        // It is got once.
        assert_eq!(kept.contains("mise is there now"), name == "by-mise", "{kept}");
        let exec = host.banger(["vm", "exec", BOX, "--", "greeter", "it's", "a  b"]).run().exits(7);
        assert_eq!(exec.stdout(), format!("greeter {version}: it's a  b\n"));
        // Only there, and only by way of mise.
        in_guest(host, "greeter").run().exits(127);
    }

    let told = prepare(host, &["by-hand", "--guest-path", &place("by-hand"), "--no-bootstrap"]).ok().stderr();
    assert!(!told.contains("the tools of"), "{told}");
    let left_out = format!("test ! -e {} && ls /root/.local/share/mise/installs/greeter", log("by-hand"));
    assert_eq!(in_guest(host, &left_out).run().ok().stdout(), "1.2.3\n2.0.0\n");
    host.banger(["vm", "exec", BOX, "--", "greeter"]).run().exits(127);
    drop(server);
    in_guest(host, "rm -r /root/.local /srv/mise /srv/by-*").run().ok();
}
