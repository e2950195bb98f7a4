//! Loop devices.

use std::{
    fs::{self, File},
    io,
    os::fd::AsRawFd,
    path::{Path, PathBuf},
};

use rustix::{
    io::Errno,
    ioctl::{self, Opcode, Setter, ioctl},
};

/// How often another device is taken where somebody else was faster.
const TRIES_MAX: u32 = 16;

/// A loop device over a file. It goes by itself when nothing has it open any more: this value, and what was built
/// over it.
#[derive(Debug)]
pub struct Loop {
    /// `/dev/loop<number>`.
    pub path: PathBuf,
    device: File,
}

impl Loop {
    /// Makes a loop device over an opened file, for reading alone where `read_only`. Root's to do.
    ///
    /// # Errors
    ///
    /// What the system says; none is left then.
    pub fn over(file: &File, read_only: bool) -> io::Result<Self> {
        let control = File::options().read(true).write(true).open("/dev/loop-control")?;
        let mut flags = FLAG_AUTOCLEAR;
        if read_only {
            flags |= FLAG_READ_ONLY;
        }
        let file_fd = u32::try_from(file.as_raw_fd()).map_err(|_| io::ErrorKind::InvalidInput)?;
        let mut taken = Errno::BUSY;
        for _ in 0..TRIES_MAX {
            let path = PathBuf::from(format!("/dev/loop{}", free_number(&control)?));
            let device = File::options().read(true).write(!read_only).open(&path)?;
            match configure(&device, Config::new(file_fd, flags)) {
                Ok(()) => return Ok(Self { path, device }),
                Err(errno @ Errno::BUSY) => taken = errno,
                Err(errno) => return Err(errno.into()),
            }
        }
        Err(taken.into())
    }

    /// Its major and minor number.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn numbers(&self) -> io::Result<(u32, u32)> {
        let rdev = rustix::fs::fstat(&self.device)?.st_rdev;
        Ok((rustix::fs::major(rdev), rustix::fs::minor(rdev)))
    }
}

// What follows is <linux/loop.h>.
const SET_CONFIG: Opcode = 0x4C0A;
const GET_FREE: Opcode = 0x4C82;
const FLAG_READ_ONLY: u32 = 1;
const FLAG_AUTOCLEAR: u32 = 4;

/// `struct loop_config`, with the `struct loop_info64` in it: 64-bit numbers up to the size limit, four 32-bit ones of
/// which the last is the flags, names and a key that nothing needs.
#[repr(C)]
struct Config {
    fd: u32,
    block_size: u32,
    places: [u64; 5],
    number: u32,
    encrypt: [u32; 2],
    flags: u32,
    names: [u8; 160],
    init: [u64; 2],
    reserved: [u64; 8],
}

impl Config {
    fn new(fd: u32, flags: u32) -> Self {
        Self {
            fd,
            block_size: 0,
            places: [0; 5],
            number: 0,
            encrypt: [0; 2],
            flags,
            names: [0; 160],
            init: [0; 2],
            reserved: [0; 8],
        }
    }
}

#[expect(unsafe_code, reason = "LOOP_CONFIGURE takes a struct loop_config, which Config is")]
fn configure(device: &File, config: Config) -> Result<(), Errno> {
    // SAFETY: the opcode reads one structure of this layout, and keeps no pointer to it.
    unsafe { ioctl(device, Setter::<SET_CONFIG, Config>::new(config)) }
}

/// The number of a device that nobody uses, made where there is none.
#[expect(unsafe_code, reason = "LOOP_CTL_GET_FREE takes no argument and answers with a number")]
fn free_number(control: &File) -> io::Result<u32> {
    struct GetFree;
    // SAFETY: the opcode has no argument; its answer is what the call returns.
    unsafe impl ioctl::Ioctl for GetFree {
        type Output = u32;
        const IS_MUTATING: bool = false;
        fn opcode(&self) -> Opcode {
            GET_FREE
        }
        fn as_ptr(&mut self) -> *mut core::ffi::c_void {
            core::ptr::null_mut()
        }
        unsafe fn output_from_ptr(out: ioctl::IoctlOutput, _: *mut core::ffi::c_void) -> Result<u32, Errno> {
            u32::try_from(out).map_err(|_| Errno::RANGE)
        }
    }
    // SAFETY: as above.
    Ok(unsafe { ioctl(control, GetFree) }?)
}

/// The loop devices over files below these directories, device and file, that nothing was built over: nobody's. Where
/// the kernel has none, none.
///
/// Each says in `/sys/block/<loop>/loop/backing_file` what it is over (Documentation/ABI/testing/sysfs-block-loop).
#[must_use]
pub fn idle_over(dirs: &[&Path]) -> Vec<(String, PathBuf)> {
    below(Path::new("/sys/block"), dirs)
}

fn below(blocks: &Path, dirs: &[&Path]) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(blocks).into_iter().flatten().flatten();
    let over = |block: fs::DirEntry| {
        let text = fs::read_to_string(block.path().join("loop/backing_file")).ok()?;
        let text = text.trim_end_matches('\n');
        // A map of the device mapper is named there.
        let is_held = fs::read_dir(block.path().join("holders")).is_ok_and(|mut held| held.next().is_some());
        let file = PathBuf::from(text.strip_suffix(" (deleted)").unwrap_or(text));
        let is_ours = dirs.iter().any(|dir| file.starts_with(dir));
        (is_ours && !is_held).then(|| (format!("/dev/{}", block.file_name().display()), file))
    };
    let mut found: Vec<_> = entries.filter_map(over).collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loops_over_files_below_that_nothing_holds_are_found() {
        let blocks = tempfile::tempdir().unwrap();
        for (name, file) in [
            ("loop0", "/var/lib/banger/vms/a/root.img\n"),
            ("loop1", "/var/lib/banger-root/x\n"),
            ("loop2", "/var/lib/banger/b c.img (deleted)\n"),
        ] {
            fs::create_dir_all(blocks.path().join(name).join("loop")).unwrap();
            fs::write(blocks.path().join(name).join("loop/backing_file"), file).unwrap();
        }
        for dir in ["loop4/loop", "loop4/holders/dm-0", "vda"] {
            fs::create_dir_all(blocks.path().join(dir)).unwrap();
        }
        fs::write(blocks.path().join("loop4/loop/backing_file"), "/var/lib/banger/held.img\n").unwrap();
        let found = below(blocks.path(), &[Path::new("/var/lib/banger")]);
        let of = |device: &str, file: &str| (device.to_owned(), PathBuf::from(file));
        assert_eq!(
            found,
            [of("/dev/loop0", "/var/lib/banger/vms/a/root.img"), of("/dev/loop2", "/var/lib/banger/b c.img")]
        );
        assert_eq!(below(&blocks.path().join("none"), &[Path::new("/")]), []);
    }

    /// The kernel takes a device away a moment after it was closed.
    fn wait_until_none_is_over(dir: &Path) {
        for _ in 0..250 {
            if idle_over(&[dir]).is_empty() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        panic!("{:?}", idle_over(&[dir]));
    }

    /// Root can try it where the kernel has loop devices.
    #[test]
    fn a_loop_is_there_as_long_as_somebody_has_it_open() {
        if !rustix::process::geteuid().is_root() || !Path::new("/dev/loop-control").exists() {
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("disk");
        fs::write(&path, vec![7; 1 << 20]).unwrap();
        let over = |read_only| {
            let file = File::options().read(true).write(true).open(&path).unwrap();
            Loop::over(&file, read_only).unwrap()
        };
        let (one, two) = (over(true), over(false));
        assert_ne!(one.path, two.path);
        assert_ne!(one.numbers().unwrap(), two.numbers().unwrap());
        let found = idle_over(&[dir.path()]);
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(fs::read(&one.path).unwrap(), vec![7; 1 << 20]);
        drop((one, two));
        wait_until_none_is_over(dir.path());
    }
}
