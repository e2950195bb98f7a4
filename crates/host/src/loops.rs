//! Loop devices.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The loop devices over files below these directories: device and file. Where the kernel has none, none.
///
/// Each says in `/sys/block/<loop>/loop/backing_file` what it is over (Documentation/ABI/testing/sysfs-block-loop).
#[must_use]
pub fn over(dirs: &[&Path]) -> Vec<(String, PathBuf)> {
    below(Path::new("/sys/block"), dirs)
}

fn below(blocks: &Path, dirs: &[&Path]) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(blocks).into_iter().flatten().flatten();
    let over = |block: fs::DirEntry| {
        let text = fs::read_to_string(block.path().join("loop/backing_file")).ok()?;
        let text = text.trim_end_matches('\n');
        let file = PathBuf::from(text.strip_suffix(" (deleted)").unwrap_or(text));
        let is_ours = dirs.iter().any(|dir| file.starts_with(dir));
        is_ours.then(|| (format!("/dev/{}", block.file_name().display()), file))
    };
    let mut found: Vec<_> = entries.filter_map(over).collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loops_over_files_below_are_found() {
        let blocks = tempfile::tempdir().unwrap();
        for (name, file) in [
            ("loop0", "/var/lib/banger/vms/a/root.img\n"),
            ("loop1", "/var/lib/banger-root/x\n"),
            ("loop2", "/var/lib/banger/b c.img (deleted)\n"),
        ] {
            fs::create_dir_all(blocks.path().join(name).join("loop")).unwrap();
            fs::write(blocks.path().join(name).join("loop/backing_file"), file).unwrap();
        }
        fs::create_dir(blocks.path().join("vda")).unwrap();
        let found = below(blocks.path(), &[Path::new("/var/lib/banger")]);
        let of = |device: &str, file: &str| (device.to_owned(), PathBuf::from(file));
        assert_eq!(
            found,
            [of("/dev/loop0", "/var/lib/banger/vms/a/root.img"), of("/dev/loop2", "/var/lib/banger/b c.img")]
        );
        assert_eq!(below(&blocks.path().join("none"), &[Path::new("/")]), []);
    }
}
