//! Every folder of `tests/museum/` is refused with the words in its `expected`. `good/` is not; what a folder does not
//! have is taken from there. `cargo run -p release --example museum` makes them.

#![expect(clippy::disallowed_methods, reason = "the museum is a directory")]
#![expect(clippy::unwrap_used, reason = "a museum that cannot be read is a failed test")]

use std::{
    error::Error,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use model::{Digest, Version};
use release::{FileName, Keys, Manifest, Sink, Url, unpack, verify};
use sha2::{Digest as _, Sha256};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/museum")
}

/// A server of one folder, in front of the good one.
struct Server {
    folder: PathBuf,
    base: Url,
}

impl Server {
    fn get(&self, path: &str) -> Vec<u8> {
        let own = self.folder.join(path);
        fs::read(if own.exists() { own } else { root().join("good").join(path) }).unwrap()
    }

    fn fetch(&self, url: &Url) -> Vec<u8> {
        let origin = self.base.join("/").unwrap().to_string();
        self.get(url.to_string().strip_prefix(&origin).unwrap())
    }

    /// What the updater does with a release, from the manifest to the last file.
    fn take(&self) -> Result<Vec<String>, Box<dyn Error>> {
        let version: Version = "v1.2.3".parse()?;
        let release = Manifest::parse(&self.get("manifest.json"))?.find(&version, &self.base)?;
        let keys = Keys::parse(&String::from_utf8(self.get("key.pub"))?)?;
        let sums = verify(&keys, &self.fetch(&release.sums_url), &self.fetch(&release.signature_url))?;
        let tarball = self.fetch(&release.tarball_url);
        let archive = sums.archive(&version, Digest::from_bytes(Sha256::digest(&tarball).into()))?;
        let mut names = Names(vec![]);
        unpack(&archive, tarball.as_slice(), &mut names)?;
        Ok(names.0)
    }
}

/// Keeps the names of what came out whole.
struct Names(Vec<String>);

impl Sink for Names {
    type File = Box<dyn Write>;

    fn create(&mut self, _: &FileName, _: u64) -> io::Result<Box<dyn Write>> {
        Ok(Box::new(io::sink()))
    }

    fn finish(&mut self, name: &FileName, _: Box<dyn Write>) -> io::Result<()> {
        self.0.push(name.to_string());
        Ok(())
    }
}

fn take(folder: &str) -> Result<Vec<String>, String> {
    let server =
        Server { folder: root().join(folder), base: "http://127.0.0.1/manifest.json".parse().unwrap() };
    server.take().map_err(|error| chain(&*error))
}

fn chain(error: &dyn Error) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {}", chain(source)))
}

#[test]
fn the_good_one_is_taken() {
    assert_eq!(take("good").unwrap(), ["banger", "bangerd", "bangerd-root", "banger-vsock-agent"]);
}

#[test]
fn each_of_the_others_is_refused_with_its_own_words() {
    let mut folders: Vec<_> = fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    folders.retain(|folder| folder != "good");
    folders.sort();
    assert!(folders.len() >= 40, "{folders:?}");
    for folder in folders {
        let expected = fs::read_to_string(root().join(&folder).join("expected")).unwrap_or_default();
        let said = take(&folder).map_or_else(|error| error, |names| format!("it was taken: {names:?}"));
        assert_eq!(said + "\n", expected, "{folder}");
    }
}
