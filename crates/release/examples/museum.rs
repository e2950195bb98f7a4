//! Makes the museum of bad releases, `tests/museum/`: `cargo run -p release --example museum`.
//!
//! `good/` is a whole release as a server has it. Every other folder is what differs from it, in one way; `expected` is
//! what is said of that. The key is made of one byte repeated: it signs what is bad, and nothing else.

#![expect(clippy::disallowed_methods, reason = "the museum is a directory")]

use std::{
    error::Error,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::{Compression, GzBuilder};
use model::{Digest, Version};
use p256::{
    ecdsa::{Signature, SigningKey, signature::Signer as _},
    pkcs8::{EncodePublicKey as _, LineEnding},
};
use release::{PROGRAMS, archive_name};
use sha2::{Digest as _, Sha256};
use tar::EntryType;

type Done = Result<(), Box<dyn Error>>;

const VERSION: &str = "v1.2.3";

fn main() -> Done {
    let museum = Museum {
        root: Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/museum"),
        key: SigningKey::from_slice(&[b'm'; 32])?,
        version: VERSION.parse()?,
    };
    museum.good()?;
    museum.manifests()?;
    museum.signatures()?;
    museum.sums()?;
    museum.tarballs()
}

struct Museum {
    root: PathBuf,
    key: SigningKey,
    version: Version,
}

/// An entry of a tarball: its kind, its name as it is to stand there, and what it holds or leads to.
type Entry<'a> = (EntryType, &'a str, &'a str);

fn programs() -> Vec<Entry<'static>> {
    PROGRAMS.into_iter().map(|name| (EntryType::Regular, name, content(name))).collect()
}

fn content(name: &str) -> &'static str {
    match name {
        "banger" => "#!/bin/sh\necho banger\n",
        "bangerd" => "#!/bin/sh\necho bangerd\n",
        "bangerd-root" => "#!/bin/sh\necho bangerd-root\n",
        _ => "#!/bin/sh\necho agent\n",
    }
}

fn digest(bytes: &[u8]) -> Digest {
    Digest::from_bytes(Sha256::digest(bytes).into())
}

fn tar(entries: &[Entry]) -> io::Result<Vec<u8>> {
    let mut builder = tar::Builder::new(vec![]);
    for (kind, name, content) in entries {
        let mut header = tar::Header::new_ustar();
        // Past `set_path` and `set_link_name`, which have opinions.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_mode(0o755);
        let holds = matches!(kind, EntryType::Regular | EntryType::XHeader);
        if !holds {
            header.as_old_mut().linkname[..content.len()].copy_from_slice(content.as_bytes());
        }
        let bytes = if holds { content.as_bytes() } else { b"" };
        header.set_size(bytes.len() as u64);
        header.set_cksum();
        builder.append(&header, bytes)?;
    }
    builder.into_inner()
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzBuilder::new().mtime(0).operating_system(255).write(vec![], Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// SHA256SUMS of a tarball and the good programs.
fn sums(version: &Version, tarball: &[u8]) -> String {
    let line = |name: &str, digest| format!("{digest}  {name}\n");
    let programs = PROGRAMS.map(|name| line(name, digest(content(name).as_bytes()))).concat();
    line(&archive_name(version), digest(tarball)) + &programs
}

fn good_tarball() -> io::Result<Vec<u8>> {
    gzip(&tar(&programs())?)
}

fn sign(key: &SigningKey, sums: &str) -> String {
    let signature: Signature = key.sign(sums.as_bytes());
    STANDARD.encode(signature.to_der()) + "\n"
}

fn manifest(entry: &str) -> String {
    format!(
        "{{\n  \"schema_version\": 1,\n  \"latest_stable\": \"{VERSION}\",\n  \"releases\": [\n{entry}\n  ]\n}}\n"
    )
}

fn entry() -> String {
    let name = format!("{VERSION}/banger-{VERSION}-linux-amd64.tar.gz");
    format!(
        "    {{\n      \"version\": \"{VERSION}\",\n      \"released_at\": \"2026-05-01T10:00:00Z\",\n      \
         \"tarball_url\": \"{name}\",\n      \"sha256sums_url\": \"{VERSION}/SHA256SUMS\",\n      \
         \"sha256sums_sig_url\": \"{VERSION}/SHA256SUMS.sig\"\n    }}"
    )
}

impl Museum {
    /// Writes one file of one folder.
    fn file(&self, folder: &str, name: &str, bytes: impl AsRef<[u8]>) -> Done {
        let path = self.root.join(folder).join(name);
        fs::create_dir_all(path.parent().unwrap_or(&path))?;
        Ok(fs::write(path, bytes)?)
    }

    /// SHA256SUMS with a good signature.
    fn signed(&self, folder: &str, sums: &str) -> Done {
        self.file(folder, &format!("{VERSION}/SHA256SUMS"), sums)?;
        self.file(folder, &format!("{VERSION}/SHA256SUMS.sig"), sign(&self.key, sums))
    }

    /// A tarball that the signed SHA256SUMS lists.
    fn tarball(&self, folder: &str, bytes: &[u8]) -> Done {
        self.file(folder, &format!("{VERSION}/{}", archive_name(&self.version)), bytes)?;
        self.signed(folder, &sums(&self.version, bytes))
    }

    fn good(&self) -> Done {
        self.file("good", "manifest.json", manifest(&entry()))?;
        self.file("good", "key.pub", self.key.verifying_key().to_public_key_pem(LineEnding::LF)?)?;
        self.tarball("good", &good_tarball()?)
    }

    fn manifests(&self) -> Done {
        let good = manifest(&entry());
        let put = |folder, text: &str| self.file(folder, "manifest.json", text);
        put("manifest_of_another_form", &good.replace(": 1,", ": 2,"))?;
        put("manifest_is_a_page", "<!doctype html>\n<title>Log in to this network</title>\n")?;
        put("manifest_is_torn", &good[..good.len() / 2])?;
        put("manifest_lists_it_twice", &manifest(&[entry(), entry()].join(",\n")))?;
        put("manifest_lists_another", &good.replace("\"version\": \"v1.2.3\"", "\"version\": \"v1.2.4\""))?;
        put("release_without_signature", &good.replace("\"v1.2.3/SHA256SUMS.sig\"", "null"))?;
        put("tarball_over_plain_http", &good.replace("\"v1.2.3/banger", "\"http://example.org/banger"))?;
        put("sums_in_a_file", &good.replace("\"v1.2.3/SHA256SUMS\"", "\"file:///etc/SHA256SUMS\""))?;
        put("sums_further_up", &good.replace("\"v1.2.3/SHA256SUMS\"", "\"../v1.2.3/SHA256SUMS\""))
    }

    fn signatures(&self) -> Done {
        let good = sums(&self.version, &good_tarball()?);
        let put = |folder, text: &str| self.file(folder, &format!("{VERSION}/SHA256SUMS.sig"), text);
        put("signature_is_empty", "")?;
        put("signature_is_no_base64", "-----BEGIN PGP SIGNATURE-----\n")?;
        put("signature_is_not_asn1", &STANDARD.encode([7; 64]))?;
        put("signature_is_too_long", &"A".repeat(1025))?;
        put("signature_by_another_key", &sign(&SigningKey::from_slice(&[b'x'; 32])?, &good))?;
        self.file("sums_changed_after_signing", &format!("{VERSION}/SHA256SUMS"), good + "# more\n")?;
        let placeholder = "-----BEGIN PUBLIC KEY-----\nPLACEHOLDER\n-----END PUBLIC KEY-----\n";
        self.file("key_is_a_placeholder", "key.pub", placeholder)?;
        self.file("key_on_another_curve", "key.pub", include_str!("../src/keys/p384.pub"))
    }

    fn sums(&self) -> Done {
        let tarball = good_tarball()?;
        let good = sums(&self.version, &tarball);
        let first = good.lines().next().unwrap_or_default();
        self.signed("sums_with_another_line", &format!("{good}all of them are fine\n"))?;
        self.signed("sums_with_a_short_digest", &good.replacen(&first[..1], "", 1))?;
        self.signed("sums_with_a_path", &good.replace("  bangerd\n", "  ../../bin/bangerd\n"))?;
        self.signed("sums_with_a_name_twice", &format!("{good}{first}\n"))?;
        self.signed("sums_without_a_program", &good.replace("  bangerd-root\n", "  helper\n"))?;
        self.signed("sums_with_a_taken_name", &format!("{good}{}  units\n", digest(b"")))?;
        self.signed("sums_are_empty", "\n")?;
        self.signed("sums_are_too_long", &(good.clone() + &"#\n".repeat(8 * 1024)))?;
        // Genuine, and not what was asked for.
        self.signed("sums_of_an_older_release", &sums(&"v1.2.2".parse()?, &tarball))
    }

    fn tarballs(&self) -> Done {
        let good = programs();
        let with = |kind, name, content| [good.as_slice(), &[(kind, name, content)]].concat();
        let without = |name| good.iter().copied().filter(|entry| entry.1 != name).collect::<Vec<_>>();
        let put = |folder, entries: &[Entry]| self.tarball(folder, &gzip(&tar(entries)?)?);
        put("tarball_with_a_link", &with(EntryType::Symlink, "bangerd", "/etc/passwd"))?;
        put("tarball_with_a_hard_link", &with(EntryType::Link, "bangerd", "banger"))?;
        put("tarball_with_a_device", &with(EntryType::Block, "bangerd", ""))?;
        put("tarball_with_a_directory", &with(EntryType::Directory, "units/", ""))?;
        put("tarball_with_an_extension", &with(EntryType::XHeader, "x", "21 path=../../banger\n"))?;
        put("tarball_with_one_more", &with(EntryType::Regular, "more", ""))?;
        put("tarball_with_a_path_up", &with(EntryType::Regular, "../../../etc/cron.d/x", ""))?;
        put("tarball_with_a_path_from_the_root", &with(EntryType::Regular, "/etc/cron.d/x", ""))?;
        put("tarball_with_one_twice", &with(EntryType::Regular, "banger", content("banger")))?;
        put("tarball_without_one", &without("bangerd-root"))?;
        let mut other = without("bangerd-root");
        other.push((EntryType::Regular, "bangerd-root", "#!/bin/sh\necho another\n"));
        put("tarball_with_another_program", &other)?;

        self.tarballs_that_claim(&without("bangerd"))?;

        let bytes = tar(&good)?;
        self.tarball("tarball_with_a_tail", &gzip(&[bytes.as_slice(), b"more"].concat())?)?;
        self.tarball("tarball_is_torn", &gzip(&bytes)?[..100])?;
        self.tarball("tarball_is_a_page", b"<!doctype html>\n")?;
        self.tarball("tarball_of_8_gib", &gzip(&of_8_gib(bytes))?)?;
        let name = format!("{VERSION}/{}", archive_name(&self.version));
        self.file("tarball_changed_after_signing", &name, [good_tarball()?, b"x".to_vec()].concat())
    }

    /// Small ones that claim to be large: a reader that believes them takes memory or disk for it. `others` are the
    /// programs but for `bangerd`.
    fn tarballs_that_claim(&self, others: &[Entry]) -> Done {
        let put = |folder, tar: Vec<u8>| self.tarball(folder, &gzip(&tar)?);
        let pax = |record| (EntryType::XHeader, "x", record);
        put("tarball_with_a_pax_header_of_8_gib", of_8_gib(tar(&[pax("")])?))?;
        put(
            "tarball_with_a_name_of_8_gib",
            of_8_gib(tar(&[(EntryType::GNULongName, "././@LongLink", "")])?),
        )?;
        let sized = [&[pax("22 size=1099511627776\n")][..], &programs()].concat();
        put("tarball_with_a_size_in_a_pax_header", tar(&sized)?)?;
        put("tarball_with_a_file_that_is_a_hole", [hole("bangerd")?.as_bytes(), &*tar(others)?].concat())
    }
}

/// What a tar begins with, where that claims to be larger than any tarball is; nothing of it is there.
fn of_8_gib(mut tar: Vec<u8>) -> Vec<u8> {
    // Eleven octal digits: 8 GiB less one byte.
    tar[124..135].copy_from_slice(b"77777777777");
    let sum = tar_check_sum(&tar);
    tar[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    tar.truncate(1024);
    tar
}

/// A header as GNU tar writes it of a file of 256 MiB that is one hole.
fn hole(name: &str) -> io::Result<tar::Header> {
    const SIZE: &[u8; 12] = b"02000000000\0";
    let mut header = tar::Header::new_gnu();
    header.set_path(name)?;
    header.set_entry_type(EntryType::GNUSparse);
    header.set_mode(0o755);
    header.set_size(0);
    if let Some(gnu) = header.as_gnu_mut() {
        gnu.sparse[0].offset = *SIZE;
        gnu.sparse[0].numbytes = *b"00000000000\0";
        gnu.realsize = *SIZE;
    }
    header.set_cksum();
    Ok(header)
}

/// The sum of a header's bytes, with blanks where it stands itself.
fn tar_check_sum(header: &[u8]) -> u32 {
    header[..512]
        .iter()
        .enumerate()
        .map(|(at, byte)| if (148..156).contains(&at) { 32 } else { u32::from(*byte) })
        .sum()
}
