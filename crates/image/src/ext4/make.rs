//! From a tree to a file system, as anyone: mke2fs copies the contents, debugfs sets what only root could
//! have given them on the host's disk.

use std::{
    fs::{self, File},
    io::Write,
    os::unix::ffi::OsStrExt,
    path::Path,
    time::Duration,
};

use super::{Kind, Meta, PACKAGE, Tree, check};
use crate::{Fault, Job, fault::At, tool::Tool};

/// What kernels from 5.10 on mount, e2fsck from 1.45 on checks, and grows while it is mounted. Named one
/// by one, so that the host's own defaults decide nothing.
const FEATURES: &str = "none,ext_attr,resize_inode,dir_index,filetype,extent,64bit,flex_bg,\
                        sparse_super,large_file,huge_file,dir_nlink,extra_isize,metadata_csum";

/// Reserves the 4 MiB of group descriptors that let the file system grow, while mounted, to 8 TiB by them
/// and beyond by `meta_bg`.
const GROWTH: &str = "lazy_itable_init=1,lazy_journal_init=1,root_owner=0:0,resize=4294967295";

const MIB: u64 = 1 << 20;
const RESERVED_BYTES: u64 = 4 * MIB;
const GROUP_BYTES: u64 = 128 * MIB;
const INODE_BYTES: u64 = 256;
const LIMIT: Duration = Duration::from_mins(20);

/// What a file system is to be like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// At most 16 bytes.
    pub(crate) label: &'static str,
    /// In MiB; 0 for one that is only read.
    pub(crate) journal_mib: u64,
    /// Room beside what the tree takes, in bytes; a tenth of that comes on top.
    pub(crate) slack_bytes: u64,
}

fn mke2fs(layout: &Layout) -> Result<Tool, Fault> {
    let features =
        if layout.journal_mib == 0 { FEATURES.to_owned() } else { format!("{FEATURES},has_journal") };
    let tool = Tool::new("mke2fs", PACKAGE)?
        .args(["-q", "-F", "-t", "ext4", "-b", "4096", "-I", "256", "-m", "0"])
        .args(["-L", layout.label, "-O", &features, "-E", GROWTH])
        .limit(LIMIT);
    Ok(if layout.journal_mib == 0 {
        tool
    } else {
        tool.args(["-J", &format!("size={}", layout.journal_mib)])
    })
}

/// Makes an empty file system of `size_bytes`, sparse, whose root directory is root's alone.
pub(crate) fn make_private(
    out: &Path,
    layout: &Layout,
    size_bytes: u64,
    scratch: &Path,
    job: &Job,
) -> Result<(), Fault> {
    set_size(out, size_bytes)?;
    mke2fs(layout)?.arg(out).run(job)?;
    let script = scratch.join("debugfs");
    fs::write(&script, "sif / mode 040700\n").at("write", &script)?;
    apply(&script, out, job)?;
    check(out, job)
}

/// Makes a file system of a tree, sparse, just large enough, and checks it. `scratch` is a directory.
pub(crate) fn make(tree: &Tree, out: &Path, scratch: &Path, layout: &Layout, job: &Job) -> Result<(), Fault> {
    tree.finish()?;
    let size = size_for(tree, layout);
    set_size(out, size.bytes)?;
    let inodes = size.inodes.to_string();
    mke2fs(layout)?.args(["-N", &inodes, "-d"]).arg(tree.dir()).arg(out).run(job)?;
    let script = scratch.join("debugfs");
    write_script(tree, &script, scratch)?;
    apply(&script, out, job)?;
    check(out, job)
}

fn set_size(out: &Path, bytes: u64) -> Result<(), Fault> {
    let file = File::options().write(true).create(true).truncate(true).open(out).at("create", out)?;
    file.set_len(bytes).at("create", out)
}

struct Size {
    bytes: u64,
    inodes: u64,
}

fn size_for(tree: &Tree, layout: &Layout) -> Size {
    let entries = tree.len() as u64;
    // One block for each directory and long link, and as much again for large directories.
    let data = tree.data_bytes + entries * 1024 + MIB;
    let room = data + data / 10 + layout.slack_bytes;
    // As many inodes as mke2fs gives by itself (one in 16 KiB), on top of those in use.
    let inodes = entries + room / 16384 + 1024;
    let rest = inodes * INODE_BYTES + layout.journal_mib * MIB;
    // The descriptors stand in the first group and in the copies of groups 1, 3, 5, 7, 9.
    let copies = (room + rest).div_ceil(GROUP_BYTES).min(6);
    let bytes = room + rest + copies * (RESERVED_BYTES + MIB);
    Size { bytes: bytes.next_multiple_of(MIB), inodes }
}

/// Quotes a path as debugfs reads it: a quote is written twice.
fn quoted(path: &[u8]) -> Vec<u8> {
    let mut text = b"\"".to_vec();
    for &byte in path {
        text.push(byte);
        if byte == b'"' {
            text.push(b'"');
        }
    }
    text.push(b'"');
    text
}

fn write_script(tree: &Tree, script: &Path, scratch: &Path) -> Result<(), Fault> {
    let (our_user, our_group) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let mut text = vec![];
    let mut line = |parts: &[&[u8]]| {
        text.extend(parts.join(&b' '));
        text.push(b'\n');
    };
    let mut values = 0_u32;
    for (path, meta) in tree.metas() {
        let whole = quoted(&[b"/", path].concat());
        make_node(path, meta, &mut line);
        let is_new = !matches!(meta.kind, Kind::Dir | Kind::File | Kind::Symlink);
        let is_root = path.is_empty();
        // What debugfs makes is root's; what mke2fs copied has the owner that it had on the host's disk.
        let (owner, group) = if is_new { (0, 0) } else { (our_user, our_group) };
        if is_root || meta.uid != owner {
            line(&[b"sif", &whole, b"uid", meta.uid.to_string().as_bytes()]);
        }
        if is_root || meta.gid != group {
            line(&[b"sif", &whole, b"gid", meta.gid.to_string().as_bytes()]);
        }
        if is_root || meta.needs_mode() {
            line(&[
                b"sif",
                &whole,
                b"mode",
                format!("{:#o}", meta.inode_mode()).replace("0o", "0").as_bytes(),
            ]);
        }
        for (name, value) in &meta.xattrs {
            values += 1;
            let file = scratch.join(format!("xattr-{values}"));
            fs::write(&file, value).at("write", &file)?;
            let file = quoted(file.as_os_str().as_bytes());
            line(&[b"ea_set", b"-f", &file, &whole, &quoted(name.as_bytes())]);
        }
    }
    let mut file = File::create(script).at("create", script)?;
    file.write_all(&text).at("write", script)
}

fn make_node(path: &[u8], meta: &Meta, line: &mut impl FnMut(&[&[u8]])) {
    let (letter, numbers) = match meta.kind {
        Kind::Char { major, minor } => (b"c", Some((major, minor))),
        Kind::Block { major, minor } => (b"b", Some((major, minor))),
        Kind::Fifo => (b"p", None),
        Kind::Dir | Kind::File | Kind::Symlink => return,
    };
    let cut = path.iter().rposition(|byte| *byte == b'/');
    let (dir, name) = cut.map_or((&b""[..], path), |cut| (&path[..cut], &path[cut + 1..]));
    // debugfs makes nodes in the directory that it stands in.
    line(&[b"cd", &quoted(&[b"/", dir].concat())]);
    match numbers {
        Some((major, minor)) => line(&[
            b"mknod",
            &quoted(name),
            letter,
            major.to_string().as_bytes(),
            minor.to_string().as_bytes(),
        ]),
        None => line(&[b"mknod", &quoted(name), letter]),
    }
}

/// Takes out of a machine's root what was that machine's alone.
pub(crate) fn forget_identity(disk: &Path, scratch: &Path, job: &Job) -> Result<(), Fault> {
    let empty = scratch.join("empty");
    fs::write(&empty, b"").at("write", &empty)?;
    let keys = super::debugfs(disk, "ls -p /etc/ssh", job)?;
    let keys = String::from_utf8_lossy(&keys).into_owned();
    let names = keys.lines().filter_map(|line| line.split('/').nth(5));
    let keys = names.filter(|name| name.starts_with("ssh_host_")).map(|name| format!("/etc/ssh/{name}"));
    let mut lines: Vec<String> = keys.map(|path| format!("rm \"{path}\"")).collect();
    for path in
        ["/etc/hostname", "/var/lib/systemd/random-seed", "/var/lib/dbus/machine-id", "/etc/machine-id"]
    {
        if super::exists(disk, path, job)? {
            lines.push(format!("rm {path}"));
        }
    }
    if super::exists(disk, "/etc", job)? {
        // An empty one is filled in at boot; a missing one would make it a first boot.
        let empty = String::from_utf8_lossy(&quoted(empty.as_os_str().as_bytes())).into_owned();
        lines.push(format!("cd /etc\nwrite {empty} machine-id"));
        lines.extend(["mode 0100444", "uid 0", "gid 0"].map(|field| format!("sif machine-id {field}")));
    }
    lines.push(String::new());
    let script = lines.join("\n");
    let path = scratch.join("debugfs");
    fs::write(&path, script).at("write", &path)?;
    apply(&path, disk, job)
}

/// Runs a script. debugfs goes on after a command that failed and exits with 0: what it says decides.
fn apply(script: &Path, out: &Path, job: &Job) -> Result<(), Fault> {
    let ended = Tool::new("debugfs", PACKAGE)?
        .args(["-w", "-f"])
        .arg(script)
        .arg(out)
        .quiet()
        .limit(LIMIT)
        .run(job)?;
    let complaint = ended.tail.iter().find(|line| !line.starts_with("debugfs "));
    match complaint {
        None => Ok(()),
        Some(_) => Err(Fault::Program {
            program: "debugfs".to_owned(),
            status: "a command failed".to_owned(),
            tail: ended.tail,
        }),
    }
}

#[cfg(test)]
mod tests;
