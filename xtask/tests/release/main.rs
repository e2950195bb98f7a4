//! Releases that are cut here, of programs made up for it: what others make of them, and the installer.

#![expect(clippy::unwrap_used, reason = "a file that cannot be made is a failed test")]

mod installer;
mod server;
mod shop;
mod updater;

use std::fs;

use release::{Keys, Manifest, PROGRAMS, Sums, verify};
use shop::{Shop, cut_of, repository};

#[test]
fn the_same_programs_make_the_same_release() {
    let (one, other) = (Shop::new(), Shop::new());
    for shop in [&one, &other] {
        assert_eq!(shop.cut("v1.2.3", &[]), Ok(()));
    }
    for file in ["banger-v1.2.3-linux-amd64.tar.gz", "SHA256SUMS"] {
        let read = |shop: &Shop| fs::read(shop.out().join("v1.2.3").join(file)).unwrap();
        assert!(read(&one) == read(&other), "{file}");
    }
}

/// The signature, the list and the tarball are what OpenSSL, coreutils and tar say too.
#[test]
fn other_programs_read_what_is_made() {
    let shop = Shop::new();
    assert_eq!(shop.cut("v1.2.3", &[]), Ok(()));
    shop.sh("cd out/v1.2.3 && openssl base64 -d -in SHA256SUMS.sig -out ../../sig");
    shop.sh("openssl dgst -sha256 -verify key.pub -signature sig out/v1.2.3/SHA256SUMS");
    shop.sh("mkdir files && tar -xzf out/v1.2.3/*.tar.gz -C files && cp out/v1.2.3/*.tar.gz files");
    shop.sh("cd files && sha256sum --check --strict ../out/v1.2.3/SHA256SUMS");
    let listed = shop.sh("tar --numeric-owner -tvzf out/v1.2.3/*.tar.gz");
    assert_eq!(listed.lines().filter(|line| line.starts_with("-rwxr-xr-x 0/0 ")).count(), PROGRAMS.len());
}

#[test]
fn keys_of_both_forms_sign() {
    let shop = Shop::new();
    for (version, make) in [
        ("v1.0.0", "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem"),
        ("v1.0.1", "openssl ecparam -name prime256v1 -genkey -noout -out key.pem"),
        ("v1.0.2", "openssl ecparam -name prime256v1 -genkey -out key.pem"),
    ] {
        shop.sh(&format!("{make} && openssl pkey -in key.pem -pubout -out key.pub"));
        assert_eq!(shop.cut(version, &[]), Ok(()), "{make}");
        let read = |file: &str| fs::read(shop.out().join(version).join(file)).unwrap();
        let keys = Keys::parse(&fs::read_to_string(shop.dir().join("key.pub")).unwrap()).unwrap();
        let sums = verify(&keys, &read("SHA256SUMS"), &read("SHA256SUMS.sig")).unwrap();
        assert_eq!(sums.get(), &Sums::parse(&read("SHA256SUMS")).unwrap());
    }
    for make in [
        "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out key.pem",
        "openssl genpkey -algorithm RSA -out key.pem",
        "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -aes128 -pass pass:x -out key.pem",
        "echo hello >key.pem",
    ] {
        shop.sh(make);
        let error = shop.cut("v1.0.3", &[]).unwrap_err();
        assert!(error.contains("key.pem is not a PEM private key of ECDSA on P-256"), "{make}: {error}");
    }
    assert!(!shop.out().join("v1.0.3").exists());
}

#[test]
fn the_latest_stable_release_only_moves_up() {
    let shop = Shop::new();
    for (version, latest) in [
        ("v1.0.0-rc.1", "v1.0.0-rc.1"),
        ("v1.0.0", "v1.0.0"),
        ("v1.2.0", "v1.2.0"),
        ("v1.3.0-rc.1", "v1.2.0"),
        ("v1.1.9", "v1.2.0"),
        ("v1.10.0", "v1.10.0"),
    ] {
        assert_eq!(shop.cut(version, &[]), Ok(()));
        let manifest = Manifest::parse(&fs::read(shop.out().join("manifest.json")).unwrap()).unwrap();
        assert_eq!(manifest.latest_stable.to_string(), latest);
        let base = "https://example.org/manifest.json".parse().unwrap();
        assert!(manifest.find(&version.parse().unwrap(), &base).is_ok());
    }
}

#[test]
fn what_is_not_ready_is_not_released() {
    let shop = Shop::new();
    assert_eq!(shop.cut("v1.0.0", &[]), Ok(()));
    let offered = fs::read(shop.out().join("manifest.json")).unwrap();
    let again = shop.cut("v1.0.0", &[]).unwrap_err();
    assert!(again.starts_with("v1.0.0 is there already, and a release never changes"), "{again}");

    let strict = |what: &str| shop.cut("v1.0.1", &[what]).unwrap_err();
    assert!(
        strict("version").starts_with("the workspace's version in Cargo.toml is v"),
        "{}",
        strict("version")
    );
    assert_eq!(
        strict("changelog"),
        "CHANGELOG.md has no section \"## [1.0.1]\"; write it, or --allow changelog"
    );
    assert!(
        strict("key").contains("the maintainer must replace it and re-cut a release"),
        "{}",
        strict("key")
    );

    fs::remove_file(shop.dir().join("programs/bangerd")).unwrap();
    let error = shop.cut("v1.0.1", &[]).unwrap_err();
    assert!(error.starts_with("there is no ") && error.ends_with("programs/bangerd"), "{error}");
    fs::write(shop.dir().join("programs/units"), "").unwrap();
    shop.program("bangerd", "v1.0.1");
    let error = shop.cut("v1.0.1", &[]).unwrap_err();
    assert_eq!(
        error,
        "no host would accept it: SHA256SUMS lists units, and no file of a release may be called that"
    );
    assert_eq!(fs::read(shop.out().join("manifest.json")).unwrap(), offered);
    let mut left: Vec<_> =
        fs::read_dir(shop.out()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["install.sh", "manifest.json", "v1.0.0"]);
}

/// What is released is a commit, so that everybody else can make the same of it.
#[test]
fn a_tree_with_changes_is_not_released() {
    let shop = Shop::new();
    let (origin, tree) = (shop.dir().join("origin"), shop.dir().join("tree"));
    fs::create_dir_all(origin.join("packaging")).unwrap();
    for file in ["packaging/install.sh", "CHANGELOG.md"] {
        fs::copy(repository().join(file), origin.join(file)).unwrap();
    }
    shop.sh("cd origin && echo /target >.gitignore && git init --quiet && git add . && \
         git -c user.name=A -c user.email=a@example.org -c commit.gpgsign=false commit --quiet -m begin");
    shop.sh("git clone --quiet origin tree && cd tree && git config status.showUntrackedFiles no");
    let strict = shop.release("v1.0.0", &["dirty"]);
    for (change, files) in [
        ("echo >>CHANGELOG.md", "CHANGELOG.md"),
        ("echo >>CHANGELOG.md && git add .", "CHANGELOG.md"),
        ("rm CHANGELOG.md", "CHANGELOG.md"),
        ("chmod +x CHANGELOG.md", "CHANGELOG.md"),
        ("mkdir .cargo && echo >.cargo/config.toml", ".cargo/"),
        ("echo >>packaging/install.sh && echo >more", "packaging/install.sh, more"),
    ] {
        shop.sh(&format!("cd tree && {change}"));
        let error = cut_of(&tree, &strict).unwrap_err();
        let told = "the tree has changes that are not committed; commit them, or --allow dirty";
        assert_eq!(error, format!("{told}: {files}"), "{change}");
        assert!(!shop.out().exists(), "{change}");
        shop.sh("cd tree && git reset --quiet --hard && git clean --quiet --force -d");
    }
    // What is ignored is what was built.
    shop.sh("cd tree && mkdir target && echo >target/x");
    assert_eq!(cut_of(&tree, &strict).map(drop), Ok(()));
    shop.sh("cd tree && echo >more");
    assert_eq!(cut_of(&tree, &shop.release("v1.0.1", &[])).map(drop), Ok(()));
}
