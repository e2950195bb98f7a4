//! The signature, and the proof that a host accepts it.

use std::{
    fs::{self, File},
    io,
    path::Path,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use model::Version;
use p256::{
    SecretKey,
    ecdsa::{Signature, SigningKey, signature::Signer as _},
    pkcs8::{DecodePrivateKey as _, EncodePublicKey as _, LineEnding},
};
use release::{FileName, Keys, Sink, Sums, archive_name, unpack, verify};

use super::ReleaseError;

/// A private key that signs releases.
pub(super) struct Key(SigningKey);

impl Key {
    /// Reads a PEM file, PKCS#8 (`openssl genpkey`) or SEC1 (`openssl ecparam -genkey`).
    pub(super) fn read(path: &Path) -> Result<Self, ReleaseError> {
        let pem = fs::read_to_string(path).map_err(ReleaseError::disk("read", path))?;
        // A block of parameters may stand before a key of the older form.
        let sec1 = pem.find("-----BEGIN EC PRIVATE KEY").and_then(|at| pem.get(at..)).unwrap_or_default();
        let key = SecretKey::from_pkcs8_pem(&pem).ok().or_else(|| SecretKey::from_sec1_pem(sec1).ok());
        key.map(|key| Self(key.into())).ok_or_else(|| ReleaseError::NoKey { path: path.to_owned() })
    }

    /// A host accepts what this key signs, as soon as its placeholder is replaced.
    pub(super) fn expect_trusted(&self, keys: &Keys) -> Result<(), ReleaseError> {
        let mut keys = keys.usable().map_err(ReleaseError::refused)?;
        if keys.any(|key| key == self.0.verifying_key()) { Ok(()) } else { Err(ReleaseError::UntrustedKey) }
    }

    /// Writes SHA256SUMS.sig, and then does what the updater will do.
    pub(super) fn sign(&self, sums: &Sums, version: &Version, dir: &Path) -> Result<(), ReleaseError> {
        let text = sums.to_string();
        let signature: Signature = self.0.sign(text.as_bytes());
        let path = dir.join("SHA256SUMS.sig");
        let line = STANDARD.encode(signature.to_der()) + "\n";
        fs::write(&path, &line).map_err(ReleaseError::disk("write", &path))?;

        let pem = self.0.verifying_key().to_public_key_pem(LineEnding::LF).map_err(ReleaseError::refused)?;
        let keys = Keys::parse(&pem).map_err(ReleaseError::refused)?;
        let verified = verify(&keys, text.as_bytes(), line.as_bytes()).map_err(ReleaseError::refused)?;
        let name = archive_name(version);
        let path = dir.join(&name);
        let digest = sums.get(&name).ok_or_else(|| ReleaseError::NoProgram { path: path.clone() })?;
        let archive = verified.archive(version, digest).map_err(ReleaseError::refused)?;
        let tarball = File::open(&path).map_err(ReleaseError::disk("read", &path))?;
        unpack(&archive, tarball, &mut Nowhere).map_err(ReleaseError::refused)
    }
}

/// Takes what is unpacked, and keeps nothing of it.
struct Nowhere;

impl Sink for Nowhere {
    type File = io::Sink;

    fn create(&mut self, _: &FileName, _: u64) -> io::Result<io::Sink> {
        Ok(io::sink())
    }

    fn finish(&mut self, _: &FileName, _: io::Sink) -> io::Result<()> {
        Ok(())
    }
}
