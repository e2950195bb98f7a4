//! What Firecracker counted: `metrics.json` in the machine's directory, a line of JSON a minute.

use std::{fs::File, io, os::unix::fs::MetadataExt, path::Path};

use vm::layout::METRICS;

/// What the file may take on the disk before [`trim_metrics`] empties it, in bytes: a day's lines.
pub const METRICS_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// The unit of `st_blocks` (inode(7)), in bytes.
const BLOCK_BYTES: u64 = 512;

/// Empties the file where it takes more than `bytes_max` on the disk. Firecracker goes on writing where it was, so
/// what is before it is then a hole, which reads as zeroes and takes nothing.
///
/// # Errors
///
/// The system's; a file that is not there is well.
pub fn trim_metrics(dir: &Path, bytes_max: u64) -> io::Result<()> {
    let file = match File::options().write(true).open(dir.join(METRICS)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    if file.metadata()?.blocks().saturating_mul(BLOCK_BYTES) <= bytes_max {
        return Ok(());
    }
    file.set_len(0)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use super::*;

    #[test]
    fn a_file_that_was_emptied_takes_nothing_again_while_its_writer_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        trim_metrics(dir.path(), 0).unwrap();
        let writer = File::create(dir.path().join(METRICS)).unwrap();
        let (len, half) = (1024 * 1024, 512 * 1024);
        writer.write_all_at(&vec![b'x'; len], 0).unwrap();
        writer.sync_all().unwrap();
        trim_metrics(dir.path(), 2 * 1024 * 1024).unwrap();
        assert_eq!(writer.metadata().unwrap().len(), 1024 * 1024, "short enough to stay");
        trim_metrics(dir.path(), half).unwrap();
        assert_eq!(writer.metadata().unwrap().len(), 0);
        writer.write_all_at(b"{}\n", 1024 * 1024).unwrap();
        writer.sync_all().unwrap();
        trim_metrics(dir.path(), half).unwrap();
        assert_eq!(writer.metadata().unwrap().len(), 1024 * 1024 + 3, "what was written since stays");
    }
}
