use super::*;

fn host(id: &str, codename: &str, files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let put = |path: &str, text: &str| {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    put("etc/os-release", &format!("ID={id}\nVERSION_CODENAME=\"{codename}\"\n"));
    put(KEYRINGS[0], "");
    for (path, text) in files {
        put(path, text);
    }
    dir
}

const KEY: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

fn rendered(dir: &tempfile::TempDir, suite: &str) -> String {
    let sources = sources_in(dir.path(), suite).unwrap();
    let stanzas: Vec<String> =
        sources.stanzas.iter().map(|s| format!("{} {}", s.uris.join(","), s.suite)).collect();
    stanzas.join(" | ")
}

const DEB822: (&str, &str) = (
    "etc/apt/sources.list.d/debian.sources",
    "# a comment\nTypes: deb deb-src\nURIs: http://m/debian\nSuites: bookworm bookworm-updates\nComponents: main contrib\n\
     Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\n\
     Types: deb\n# another\nURIs: http://m/sec\nSuites: bookworm-security\nComponents: main\n\n\
     Types: deb\nEnabled: no\nURIs: http://off/debian\nSuites: bookworm-backports\nComponents: main\n",
);

#[test]
fn the_hosts_own_archives_are_asked_in_either_format() {
    let list = (
        "etc/apt/sources.list",
        "deb cdrom:[x]/ bookworm main\n\
         deb [arch=arm64] http://arm/debian bookworm main\n\
         deb-src http://src/debian bookworm main\n\
         deb [arch=amd64 signed-by=/usr/share/keyrings/other.gpg] http://other/debian bookworm main\n\
         deb http://m/debian bookworm main # mine\n\
         deb http://m/debian bookworm-updates main\n\
         deb http://m/sec bookworm-security main\n",
    );
    let want = "http://m/debian bookworm | http://m/debian bookworm-updates | http://m/sec bookworm-security";
    assert_eq!(rendered(&host("debian", "bookworm", &[DEB822]), "bookworm"), want);
    assert_eq!(rendered(&host("debian", "bookworm", &[list]), "bookworm"), want);
}

#[test]
fn another_suite_is_derived_from_the_hosts_own() {
    let dir = host("debian", "bookworm", &[DEB822]);
    assert!(rendered(&dir, "bookworm-backports").ends_with(" | http://m/debian bookworm-backports"));
    assert_eq!(
        rendered(&dir, "trixie"),
        "http://m/debian trixie | http://m/debian trixie-updates | http://m/sec trixie-security"
    );
}

#[test]
fn a_host_that_asks_no_archive_of_debian_is_told_to() {
    let other = ("etc/apt/sources.list", "deb http://m/other jammy main universe\n");
    let fault = sources_in(host("ubuntu", "jammy", &[other]).path(), "bookworm").unwrap_err();
    assert!(fault.hint().unwrap().contains("/etc/apt/sources.list.d"));
}

#[test]
fn every_archive_is_checked_by_a_key_and_no_password_reaches_a_guest() {
    let list = ("etc/apt/sources.list", "deb https://me:secret@m/debian bookworm main\n");
    let sources = sources_in(host("debian", "bookworm", &[list]).path(), "bookworm").unwrap();
    assert_eq!(
        sources.to_guest_deb822(),
        format!("Types: deb\nURIs: https://m/debian\nSuites: bookworm\nComponents: main\nSigned-By: {KEY}\n")
    );
    assert!(sources.to_deb822().contains("me:secret@"));
}

#[test]
fn a_host_without_the_key_is_told_the_package() {
    let dir = host("fedora", "", &[]);
    fs::remove_file(dir.path().join(KEYRINGS[0])).unwrap();
    let fault = sources_in(dir.path(), "bookworm").unwrap_err();
    assert!(fault.hint().unwrap().contains("debian-archive-keyring"));
}
