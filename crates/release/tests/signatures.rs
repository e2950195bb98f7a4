//! Signatures that others made: OpenSSL here and now, cosign once.

#![expect(clippy::disallowed_methods, reason = "OpenSSL is a program, and works on files")]
#![expect(clippy::unwrap_used, reason = "a file that cannot be made is a failed test")]

use std::{fs, path::Path, process::Command};

use release::{Keys, VerifyError, verify};

const SUMS: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  banger\n";

fn sh(dir: &Path, script: &str) {
    let output = Command::new("sh").current_dir(dir).args(["-euc", script]).output().unwrap();
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The key and the signature that the comment in `packaging/release.toml` leads to, and the older form of a key file.
#[test]
fn what_openssl_signs_is_accepted() {
    for make_key in [
        "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem",
        "openssl ecparam -name prime256v1 -genkey -noout -out key.pem",
    ] {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        fs::write(dir.join("SHA256SUMS"), SUMS).unwrap();
        sh(dir, &format!("{make_key} && openssl pkey -in key.pem -pubout -out key.pub"));
        let keys = Keys::parse(&fs::read_to_string(dir.join("key.pub")).unwrap()).unwrap();
        // Each signature is another one; about half have the second number in the upper half.
        for to_base64 in ["base64", "base64 -w0", "openssl base64", "openssl base64 -A"] {
            sh(dir, &format!("openssl dgst -sha256 -sign key.pem SHA256SUMS | {to_base64} >sig"));
            let signature = fs::read(dir.join("sig")).unwrap();
            verify(&keys, SUMS.as_bytes(), &signature).unwrap();
            let error = verify(&keys, SUMS.replace('e', "f").as_bytes(), &signature).unwrap_err();
            assert!(matches!(error, VerifyError::Untrusted), "{error}");
        }
    }
}

/// See `tests/cosign/README.md`. What was signed is no SHA256SUMS, which is found only once the signature holds.
#[test]
fn what_cosign_signed_is_accepted() {
    let keys = Keys::parse(include_str!("cosign/cosign.pub")).unwrap();
    let (payload, signature) = (include_bytes!("cosign/payload"), include_bytes!("cosign/payload.sig"));
    let error = verify(&keys, payload, signature).unwrap_err();
    assert!(matches!(error, VerifyError::Sums(_)), "{error}");
    let error = verify(&keys, &payload[1..], signature).unwrap_err();
    assert!(matches!(error, VerifyError::Untrusted), "{error}");
}
