//! Writes an initramfs: the `newc` format (Linux, Documentation/driver-api/early-userspace/buffer-format.rst).

use std::io::{self, Write};

const DIR: u32 = 0o040_755;
const FILE: u32 = 0o100_644;
const PROGRAM: u32 = 0o100_755;
const CONSOLE: u32 = 0o020_600;
const CONSOLE_NUMBERS: (u32, u32) = (5, 1);

/// An archive on its way to `out`. Times and owners are 0, so equal contents give equal bytes.
#[derive(Debug)]
pub(super) struct Cpio<W> {
    out: W,
    inode: u32,
    written: u64,
}

impl<W: Write> Cpio<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, inode: 0, written: 0 }
    }

    pub(super) fn dir(&mut self, path: &str) -> io::Result<()> {
        self.entry(path, DIR, (0, 0), &[])
    }

    pub(super) fn file(&mut self, path: &str, contents: &[u8]) -> io::Result<()> {
        self.entry(path, FILE, (0, 0), contents)
    }

    pub(super) fn program(&mut self, path: &str, contents: &[u8]) -> io::Result<()> {
        self.entry(path, PROGRAM, (0, 0), contents)
    }

    /// The console, which the kernel opens for its first process.
    pub(super) fn console(&mut self) -> io::Result<()> {
        self.entry("dev/console", CONSOLE, CONSOLE_NUMBERS, &[])
    }

    pub(super) fn finish(mut self) -> io::Result<W> {
        self.inode = u32::MAX;
        self.entry("TRAILER!!!", 0, (0, 0), &[])?;
        self.begin_a_page()?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn entry(&mut self, path: &str, mode: u32, device: (u32, u32), contents: &[u8]) -> io::Result<()> {
        self.inode = self.inode.wrapping_add(1);
        let too_large =
            |_| io::Error::new(io::ErrorKind::FileTooLarge, "a file of an initramfs is over 4 GiB");
        let size = u32::try_from(contents.len()).map_err(too_large)?;
        let name_size = u32::try_from(path.len() + 1).map_err(too_large)?;
        let links = if mode == DIR { 2 } else { 1 };
        let fields = [self.inode, mode, 0, 0, links, 0, size, 0, 0, device.0, device.1, name_size, 0];
        self.put(b"070701")?;
        for field in fields {
            self.put(format!("{field:08x}").as_bytes())?;
        }
        self.put(path.as_bytes())?;
        self.put(&[0])?;
        self.pad(4)?;
        self.put(contents)?;
        self.pad(4)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.written += bytes.len() as u64;
        self.out.write_all(bytes)
    }

    /// Fills up with zeros, which the kernel skips, so that the archive's last page holds one word of it.
    ///
    /// QEMU puts an initramfs at the very end of a `microvm`'s memory, its beginning on a page's border, after
    /// the firmware has put the ACPI tables there. What the last page does not hold of the archive is all the
    /// room that the tables have: some 1200 bytes with six devices (docs/decisions/0008).
    fn begin_a_page(&mut self) -> io::Result<()> {
        const PAGE_BYTES: u64 = 4096;
        const WORD: [u8; 4] = [0; 4];
        self.pad(PAGE_BYTES)?;
        self.put(&WORD)
    }

    fn pad(&mut self, to: u64) -> io::Result<()> {
        let gap = self.written.next_multiple_of(to) - self.written;
        let zeros = [0; 4096];
        self.put(&zeros[..usize::try_from(gap).unwrap_or(0)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_has_the_bytes_that_the_kernel_reads() {
        let mut cpio = Cpio::new(vec![]);
        cpio.dir("dev").unwrap();
        cpio.console().unwrap();
        cpio.program("init", b"#!x\n!").unwrap();
        let bytes = cpio.finish().unwrap();
        assert_eq!(bytes.len() % 4096, 4, "its last page has room for the ACPI tables");
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let zeros = |count| "00000000".repeat(count);
        let dir = format!("07070100000001000041ed{}00000002{}00000004{}dev\0", zeros(2), zeros(6), zeros(1));
        assert!(text.starts_with(&dir), "{text:?}");
        assert!(text.contains("00000005000000010000000c00000000dev/console\0"), "{text:?}");
        assert!(text.contains("init\0\0#!x\n!\0\0\0\x30\x37\x30\x37\x30\x31"), "{text:?}");
        assert!(text.trim_end_matches('\0').ends_with("TRAILER!!!"));
    }
}
