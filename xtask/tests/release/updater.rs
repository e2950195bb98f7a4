//! What the updater makes of a release, from the signature to the last file.

use std::{fs, io};

use model::Digest;
use release::{FileName, Keys, Sink, archive_name, unpack, verify};
use sha2::{Digest as _, Sha256};

use crate::shop::Shop;

/// Takes a release as a host does that trusts the shop's key. Returns the names of its files.
pub(crate) fn take(shop: &Shop, version: &str) -> Vec<String> {
    let version = version.parse().unwrap();
    let read = |file: &str| fs::read(shop.out().join(format!("{version}/{file}"))).unwrap();
    let keys = Keys::parse(&fs::read_to_string(shop.dir().join("key.pub")).unwrap()).unwrap();
    let sums = verify(&keys, &read("SHA256SUMS"), &read("SHA256SUMS.sig")).unwrap();
    let tarball = read(&archive_name(&version));
    let archive = sums.archive(&version, Digest::from_bytes(Sha256::digest(&tarball).into())).unwrap();
    let mut names = Names(vec![]);
    unpack(&archive, tarball.as_slice(), &mut names).unwrap();
    names.0
}

/// Keeps the names of what came out whole.
struct Names(Vec<String>);

impl Sink for Names {
    type File = io::Sink;

    fn create(&mut self, _: &FileName, _: u64) -> io::Result<io::Sink> {
        Ok(io::sink())
    }

    fn finish(&mut self, name: &FileName, _: io::Sink) -> io::Result<()> {
        self.0.push(name.to_string());
        Ok(())
    }
}
