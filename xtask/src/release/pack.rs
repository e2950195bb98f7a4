//! The tarball and its SHA256SUMS, the same bytes from the same programs.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use flate2::{Compression, GzBuilder};
use model::{Digest, Version};
use release::{PROGRAMS, Sums, archive_name};
use sha2::{Digest as _, Sha256};

use super::ReleaseError;

/// Packs every file of `programs` into `out`, with SHA256SUMS beside it; returns that.
pub(super) fn pack(
    programs: &Path,
    version: &Version,
    committed_at: u64,
    out: &Path,
) -> Result<Sums, ReleaseError> {
    let files = files(programs)?;
    let mut sums = Sums::default();
    let mut add = |path: &Path| -> Result<(), ReleaseError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.parse().map_err(ReleaseError::refused)?;
        sums.add(name, digest(path)?).map_err(ReleaseError::refused)
    };
    let tarball = out.join(archive_name(version));
    write_tarball(&files, committed_at, &tarball).map_err(ReleaseError::disk("write", &tarball))?;
    add(&tarball)?;
    files.iter().try_for_each(|file| add(file))?;
    let path = out.join("SHA256SUMS");
    fs::write(&path, sums.to_string()).map_err(ReleaseError::disk("write", &path))?;
    Ok(sums)
}

/// The four programs and what else lies there, by name.
fn files(dir: &Path) -> Result<Vec<PathBuf>, ReleaseError> {
    let not_read = |error| ReleaseError::disk("read", dir)(error);
    let entries = fs::read_dir(dir).map_err(not_read)?;
    let paths: io::Result<Vec<_>> = entries.map(|entry| Ok(entry?.path())).collect();
    let mut paths = paths.map_err(not_read)?;
    paths.sort();
    for program in PROGRAMS.map(|program| dir.join(program)) {
        if !paths.contains(&program) {
            return Err(ReleaseError::NoProgram { path: program });
        }
    }
    Ok(paths)
}

fn write_tarball(files: &[PathBuf], committed_at: u64, to: &Path) -> io::Result<()> {
    // No name, no time, no system: they would differ, and say nothing.
    let gzip =
        GzBuilder::new().mtime(0).operating_system(255).write(File::create_new(to)?, Compression::best());
    let mut tar = tar::Builder::new(gzip);
    for path in files {
        let mut header = tar::Header::new_ustar();
        let mut file = File::open(path)?;
        header.set_path(path.file_name().unwrap_or_default())?;
        header.set_size(file.metadata()?.len());
        header.set_mode(0o755);
        header.set_mtime(committed_at);
        header.set_uid(0);
        header.set_gid(0);
        header.set_cksum();
        tar.append(&header, &mut file)?;
    }
    let mut file = tar.into_inner()?.finish()?;
    file.flush()?;
    file.sync_all()
}

fn digest(path: &Path) -> Result<Digest, ReleaseError> {
    let bytes = fs::read(path).map_err(ReleaseError::disk("read", path))?;
    Ok(Digest::from_bytes(Sha256::digest(bytes).into()))
}
