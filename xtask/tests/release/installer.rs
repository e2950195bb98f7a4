//! `install.sh`, as a person runs it, from a release server on this machine.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use xtask::release::Cut;

use crate::{
    server::serve,
    shop::{Shop, cut_of, repository},
    updater::take,
};

/// What came of it: the exit code, and what it said.
#[derive(Debug)]
struct Outcome {
    code: Option<i32>,
    said: String,
}

/// Runs it in a home of its own. `sudo` is not found there, so nothing can become root.
fn install(shop: &Shop, args: &[&str]) -> Outcome {
    install_from(shop, &shop.out(), args)
}

/// The same, from a release server of that directory.
fn install_from(shop: &Shop, dir: &Path, args: &[&str]) -> Outcome {
    install_by(shop, dir, &[], args)
}

/// The same, by a program that runs it.
fn install_by(shop: &Shop, dir: &Path, by: &[&str], args: &[&str]) -> Outcome {
    let (home, temporary) = (shop.dir().join("home"), shop.dir().join("tmp"));
    fs::create_dir_all(&home).unwrap();
    fs::create_dir_all(&temporary).unwrap();
    let server = serve(dir);
    let output = Command::new("setsid")
        .args(by)
        .arg("sh")
        .arg(shop.out().join("install.sh"))
        .arg(format!("--manifest-url={server}manifest.json"))
        .arg(format!("--pubkey-file={}", shop.dir().join("key.pub").display()))
        .args(args)
        .env_clear()
        .env("HOME", &home)
        .env("TMPDIR", &temporary)
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("SUDO_USER", "somebody")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Outcome { code: output.status.code(), said: String::from_utf8(output.stderr).unwrap() }
}

fn offer(shop: &Shop, version: &str) {
    shop.program("banger", version);
    assert_eq!(shop.cut(version, &[]), Ok(()));
}

fn files(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_release_that_is_genuine_installs_itself() {
    let shop = Shop::new();
    offer(&shop, "v1.0.0");
    offer(&shop, "v1.1.0");
    let outcome = install(&shop, &["--user"]);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(outcome.said.contains("banger v1.1.0 is genuine"), "{outcome:?}");
    let installed = shop.dir().join("home/installed");
    assert_eq!(files(&installed), ["SHA256SUMS", "banger", "banger-vsock-agent", "bangerd", "bangerd-root"]);
    assert!(shop.sh("home/installed/banger version").starts_with("version: v1.1.0\n"));
    assert_eq!(
        fs::read(installed.join("SHA256SUMS")).unwrap(),
        fs::read(shop.out().join("v1.1.0/SHA256SUMS")).unwrap()
    );
    // What it makes of that is shown with the real one (`smoke::update_embedded`).
    let base = shop.dir().join("home/.local/share/banger");
    fs::create_dir_all(base.join("current")).unwrap();
    let again = install(&shop, &["--user", "--version", "v1.0.0"]);
    assert_eq!(again.code, Some(3), "{again:?}");
    assert!(
        again.said.contains("is installed in") && again.said.contains("banger update --to v1.0.0"),
        "{again:?}"
    );
}

/// A key may never leave the program that has it: then a release is cut without one, and signed before it is served. OpenSSL
/// is that program here.
#[test]
fn what_is_signed_afterwards_is_as_good() {
    let (shop, other) = (Shop::new(), Shop::new());
    for file in ["key.pem", "key.pub"] {
        fs::copy(shop.dir().join(file), other.dir().join(file)).unwrap();
    }
    offer(&other, "v1.0.0");
    shop.program("banger", "v1.0.0");
    let unsigned = Cut { key: None, ..shop.release("v1.0.0", &["key"]) };
    let said = cut_of(repository(), &unsigned).unwrap();
    assert!(said.contains("\nsign it before it is served: cosign sign-blob "), "{said}");
    let made = files(&shop.out().join("v1.0.0"));
    assert_eq!(made, ["SHA256SUMS", "banger-v1.0.0-linux-amd64.tar.gz"]);
    let outcome = install(&shop, &["--user"]);
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(outcome.said.contains("fetch signature: curl could not"), "{outcome:?}");
    assert_eq!(files(&shop.dir().join("home")), [""; 0]);

    shop.sh("cd out/v1.0.0 && openssl dgst -sha256 -sign ../../key.pem SHA256SUMS | openssl base64 -A >SHA256SUMS.sig");
    for shop in [&shop, &other] {
        assert_eq!(take(shop, "v1.0.0"), ["banger", "banger-vsock-agent", "bangerd", "bangerd-root"]);
        let outcome = install(shop, &["--user"]);
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
        assert!(outcome.said.contains("banger v1.0.0 is genuine"), "{outcome:?}");
    }
    // All but the signature, each of which is another one, is the same.
    for file in &made {
        let read = |shop: &Shop| fs::read(shop.out().join("v1.0.0").join(file)).unwrap();
        assert!(read(&shop) == read(&other), "{file}");
    }
}

#[test]
fn another_release_is_had_by_its_name() {
    let shop = Shop::new();
    offer(&shop, "v1.0.0");
    offer(&shop, "v1.1.0");
    let outcome = install(&shop, &["--user", "--version", "v9.9.9"]);
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(outcome.said.contains("there is no release v9.9.9; there are: v1.0.0 v1.1.0"), "{outcome:?}");
    assert_eq!(install(&shop, &["--user", "--version=v1.0.0"]).code, Some(0));
    assert!(shop.sh("home/installed/banger version").starts_with("version: v1.0.0\n"));
    for bad in [&["--version", "1.0.0"][..], &["--version"], &["--what"], &["--version=v1.0.0;id"]] {
        assert_eq!(install(&shop, bad).code, Some(2), "{bad:?}");
    }
}

/// As hosts have it whose directory for temporary files is mounted so.
#[test]
fn where_no_program_may_run_another_directory_is_asked_for() {
    const MOUNT: &str = "mount -t tmpfs -o noexec none \"$TMPDIR\" && exec \"$@\"";
    let shop = Shop::new();
    offer(&shop, "v1.0.0");
    let by = ["unshare", "--map-root-user", "--mount", "sh", "-c", MOUNT, "sh"];
    let outcome = install_by(&shop, &shop.out(), &by, &["--user"]);
    assert_eq!(outcome.code, Some(4), "{outcome:?}");
    assert!(outcome.said.contains("no program can be run below"), "{outcome:?}");
    assert!(outcome.said.contains("TMPDIR=$HOME sh install.sh"), "{outcome:?}");
}

/// It says what root is for, and asks; without a terminal that is a no.
#[test]
fn root_is_asked_for_and_not_taken() {
    let shop = Shop::new();
    offer(&shop, "v1.0.0");
    let outcome = install(&shop, &[]);
    assert_eq!(outcome.code, Some(3), "{outcome:?}");
    assert!(outcome.said.contains("Root is used for one command:"), "{outcome:?}");
    assert!(outcome.said.contains("release/banger system install --owner somebody"), "{outcome:?}");
    assert!(outcome.said.contains("there is no terminal to ask on"), "{outcome:?}");
}

/// What was changed after it was signed is not installed, and nothing of it is left.
#[test]
fn what_was_changed_is_refused() {
    let check = |change: &str, expected: &str| {
        let shop = Shop::new();
        offer(&shop, "v1.0.0");
        shop.sh(&format!("cd out/v1.0.0 && {change}"));
        let outcome = install(&shop, &["--user"]);
        assert_eq!(outcome.code, Some(3), "{change}: {outcome:?}");
        assert!(outcome.said.contains(expected), "{change}: {outcome:?}");
        assert_eq!(files(&shop.dir().join("home")), [""; 0], "{change}");
    };
    let resign = "openssl dgst -sha256 -sign ../../key.pem SHA256SUMS | openssl base64 >SHA256SUMS.sig";
    let resum = "f=$(echo *.tar.gz) && n=$(sha256sum $f) && sed -i \"s/.*  $f/$n/\" SHA256SUMS";
    check("echo '# x' >>SHA256SUMS", "made by none of the keys");
    check(
        "openssl ecparam -name prime256v1 -genkey -noout -out k && openssl dgst -sha256 -sign k SHA256SUMS | base64 >SHA256SUMS.sig",
        "made by none of the keys",
    );
    check("echo '!!' >SHA256SUMS.sig", "the signature is not base64");
    check("echo x >>banger-v1.0.0-linux-amd64.tar.gz", "is not what SHA256SUMS lists");
    check(&format!("echo hello >>SHA256SUMS && {resign}"), "has a line that is no entry");
    check(&format!("head -n 1 SHA256SUMS >x && cat x >>SHA256SUMS && {resign}"), "lists a file twice");
    check(&format!("sed -i '/bangerd$/d' SHA256SUMS && {resign}"), "does not list bangerd");
    check(&format!("sed -i s/v1.0.0/v0.9.0/ SHA256SUMS && {resign}"), "it belongs to another release");
    let repack = |change: &str| {
        format!(
            "mkdir d && tar -xzf *.gz -C d && {change} && tar -czf *.gz -C d $(ls d) && rm -r d && {resum} && {resign}"
        )
    };
    check(&repack("echo x >d/more"), "does not hold exactly the files");
    check(&repack("rm d/bangerd"), "does not hold exactly the files");
    check(&repack("echo x >>d/bangerd"), "is not what SHA256SUMS lists");
    check(&repack("ln -sf /etc/passwd d/bangerd"), "holds something else than files");
}

#[test]
fn a_programs_own_word_counts() {
    let shop = Shop::new();
    shop.program("banger", "v0.9.0");
    assert_eq!(shop.cut("v1.0.0", &[]), Ok(()));
    let outcome = install(&shop, &["--user"]);
    assert_eq!(outcome.code, Some(3), "{outcome:?}");
    assert!(outcome.said.contains("says that it is v0.9.0, not v1.0.0"), "{outcome:?}");
}

/// As it is committed it trusts nobody.
#[test]
fn a_placeholder_refuses() {
    let shop = Shop::new();
    offer(&shop, "v1.0.0");
    let output = Command::new("sh").arg(shop.out().join("install.sh")).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("the maintainer must replace it and re-cut a release"), "{said}");
}

/// What the installer takes of the museum and the updater does not. Each is harmless: the files that come out are those
/// that were signed, whatever else the tarball or the manifest says.
const TAKEN: [&str; 4] =
    ["good", "manifest_lists_it_twice", "tarball_with_a_tail", "tarball_with_an_extension"];

/// The updater's museum of bad releases (`crates/release/tests/museum.rs`) is the installer's too. Nothing in it calls
/// itself a version, so what is taken gets as far as that.
#[test]
fn the_museum_is_refused() {
    let museum = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("crates/release/tests/museum");
    let shop = Shop::new();
    offer(&shop, "v1.2.3");
    for name in files(&museum) {
        let script = format!(
            "rm -rf at && cp -R {0}/good at && cp -R {0}/{name}/. at && cp at/key.pub .",
            museum.display()
        );
        shop.sh(&script);
        let outcome = install_from(&shop, &shop.dir().join("at"), &["--user", "--version", "v1.2.3"]);
        assert!(matches!(outcome.code, Some(1 | 3)), "{name}: {outcome:?}");
        assert_eq!(
            outcome.said.contains("says that it is nothing"),
            TAKEN.contains(&name.as_str()),
            "{name}: {outcome:?}"
        );
        assert_eq!(files(&shop.dir().join("home")), [""; 0], "{name}");
    }
}
