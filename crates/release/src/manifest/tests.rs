use proptest::prelude::*;

use super::*;

fn base() -> Url {
    "https://example.org/banger/manifest.json".parse().unwrap()
}

fn manifest(releases: &str) -> String {
    format!(r#"{{"schema_version": 1, "latest_stable": "v1.2.3", "releases": [{releases}]}}"#)
}

fn entry(version: &str) -> String {
    format!(
        r#"{{"version": "{version}", "released_at": "2026-05-01T10:00:00Z", "later": true,
        "tarball_url": "{version}/t", "sha256sums_url": "{version}/s", "sha256sums_sig_url": "/sig"}}"#
    )
}

fn find(manifest: &str, version: &str) -> Result<Release, String> {
    let manifest = Manifest::parse(manifest.as_bytes()).map_err(|error| error.to_string())?;
    manifest.find(&version.parse().unwrap(), &base()).map_err(|error| error.to_string())
}

#[test]
fn a_release_is_found_where_the_manifest_says() {
    let text = manifest(&[entry("v1.2.3"), entry("v1.10.0-rc.1"), entry("v1.3.0")].join(","));
    let release = find(&text, "v1.3.0").unwrap();
    assert_eq!(release.tarball_url.to_string(), "https://example.org/banger/v1.3.0/t");
    assert_eq!(release.sums_url.to_string(), "https://example.org/banger/v1.3.0/s");
    assert_eq!(release.signature_url.to_string(), "https://example.org/sig");
    let read = Manifest::parse(text.as_bytes()).unwrap();
    assert_eq!(read.latest(&base()).unwrap().version.to_string(), "v1.2.3");
    assert_eq!(
        find(&text, "v9.9.9").unwrap_err(),
        "there is no release v9.9.9; there are v1.10.0-rc.1, v1.3.0, v1.2.3"
    );
    assert_eq!(find(&manifest(""), "v9.9.9").unwrap_err(), "there is no release v9.9.9; there are none");
}

#[test]
fn what_is_written_is_read() {
    let read = Manifest::parse(manifest(&entry("v1.2.3")).as_bytes()).unwrap();
    assert_eq!(Manifest::parse(&serde_json::to_vec_pretty(&read).unwrap()).unwrap(), read);
}

/// What a release gets wrong is found when it is asked for, and not before.
#[test]
fn a_bad_release_spoils_no_other() {
    let unsigned = entry("v1.0.0").replace("\"/sig\"", "null");
    let empty = entry("v1.0.1").replace("\"/sig\"", "\"\"");
    let plain = entry("v1.1.0").replace("v1.1.0/t", "http://example.org/t");
    let text = manifest(&[unsigned, empty, plain, entry("v1.2.3")].join(","));
    assert!(find(&text, "v1.2.3").is_ok());
    assert_eq!(find(&text, "v1.0.0").unwrap_err(), "release v1.0.0 has no signature");
    assert_eq!(find(&text, "v1.0.1").unwrap_err(), "release v1.0.1 has no signature");
    assert_eq!(find(&text, "v1.1.0").unwrap_err(), "the tarball_url of release v1.1.0");
}

#[test]
fn another_form_is_refused_before_anything_else_is_read() {
    for (text, expected) in [
        (
            r#"{"schema_version": 2, "channels": []}"#,
            "the manifest has schema_version 2; this banger reads 1",
        ),
        (r#"{"schema_version": 0}"#, "the manifest has schema_version 0; this banger reads 1"),
        (r#"{"schema_version": "1"}"#, "the manifest cannot be read"),
        ("<html>", "the manifest cannot be read"),
        ("", "the manifest cannot be read"),
    ] {
        assert_eq!(find(text, "v1.2.3").unwrap_err(), expected, "{text}");
    }
    let twice = manifest(&[entry("v1.2.3"), entry("v1.2.3")].join(","));
    assert_eq!(find(&twice, "v1.2.3").unwrap_err(), "the manifest lists v1.2.3 twice");
    let long = " ".repeat(usize::try_from(MANIFEST_BYTES_MAX).unwrap() + 1);
    assert_eq!(find(&long, "v1.2.3").unwrap_err(), "the manifest is longer than 1048576 bytes");
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes: Vec<u8>, tail: String) {
        let _ = Manifest::parse(&bytes);
        let _ = base().join(&tail);
        let _ = Manifest::parse(manifest(&tail).as_bytes());
    }
}
