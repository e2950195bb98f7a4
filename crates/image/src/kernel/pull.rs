//! A kernel from the distribution's archive, through the host's own configuration of it.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use super::KernelError;
use crate::{
    Job,
    apt::{PrivateApt, host_sources},
    fault::At,
};

/// The suite that is asked where the caller names none.
pub(super) const DEFAULT_SUITE: &str = "bookworm";

/// The package that always names the newest kernel made for machines in clouds.
const META_PACKAGE: &str = "linux-image-cloud-amd64";

/// Checks that a suite's name is one, so that it can stand in apt's files.
pub(super) fn check_suite(suite: &str) -> Result<(), KernelError> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_suite = (1..=64).contains(&suite.len())
        && suite.bytes().all(is_plain)
        && suite.as_bytes()[0].is_ascii_lowercase();
    if is_suite { Ok(()) } else { Err(KernelError::BadSuite { suite: suite.to_owned() }) }
}

/// Fetches the package of the newest kernel of `suite`; apt checks it against the archive's signature.
pub(super) fn fetch(suite: &str, scratch: &Path, job: &Job) -> Result<(PathBuf, File), KernelError> {
    job.stage(format!("ask the archive for {suite}"));
    let sources = host_sources(suite)?;
    let apt = PrivateApt::new(&scratch.join("apt"), &sources, suite)?;
    apt.update(job)?;
    let depends = apt.field(META_PACKAGE, "Depends", job)?;
    let exact = depends.as_deref().and_then(real_package);
    let no_package = || KernelError::NoPackage { suite: suite.to_owned(), package: META_PACKAGE.to_owned() };
    let exact = exact.ok_or_else(no_package)?;
    job.stage(format!("fetch {exact}"));
    let path = apt.download(&exact, job)?;
    let file = File::open(&path).at("open", &path)?;
    Ok((path, file))
}

/// `linux-image-6.1.0-40-cloud-amd64 (= 6.1.153-1), …` → `linux-image-6.1.0-40-cloud-amd64=6.1.153-1`
fn real_package(depends: &str) -> Option<String> {
    let wanted = depends.split(',').map(str::trim).find(|part| part.starts_with("linux-image-"))?;
    let (name, rest) = wanted.split_once(' ').unwrap_or((wanted, ""));
    let version = rest.strip_prefix("(= ").and_then(|rest| rest.strip_suffix(')'));
    Some(version.map_or_else(|| name.to_owned(), |version| format!("{name}={version}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_real_package_is_named_with_its_version() {
        for (depends, want) in [
            (
                "linux-image-6.1.0-40-cloud-amd64 (= 6.1.153-1)",
                Some("linux-image-6.1.0-40-cloud-amd64=6.1.153-1"),
            ),
            ("kmod, linux-image-6.12-cloud-amd64", Some("linux-image-6.12-cloud-amd64")),
            ("kmod", None),
        ] {
            assert_eq!(real_package(depends).as_deref(), want);
        }
    }

    #[test]
    fn suites_are_plain_words() {
        for (suite, is_one) in [
            ("bookworm-backports", true),
            ("", false),
            ("a b", false),
            ("x\";", false),
            ("-x", false),
            ("../x", false),
        ] {
            assert_eq!(check_suite(suite).is_ok(), is_one, "{suite:?}");
        }
    }
}
