//! A terminal for a command, with the test in front of it.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
};

use rustix::{
    fs::OFlags,
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize},
};

/// The side of a terminal on which a person would sit.
#[derive(Debug)]
pub(crate) struct Terminal {
    outside: File,
}

/// Makes a terminal; returns it and the side that a program gets.
pub(crate) fn open(rows: u16, cols: u16) -> io::Result<(Terminal, File)> {
    let outside = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&outside)?;
    unlockpt(&outside)?;
    let name = ptsname(&outside, vec![])?;
    let path = PathBuf::from(name.to_string_lossy().into_owned());
    let flags = i32::try_from(OFlags::NOCTTY.bits()).unwrap_or_default();
    let inside = OpenOptions::new().read(true).write(true).custom_flags(flags).open(path)?;
    let terminal = Terminal { outside: outside.into() };
    terminal.resize(rows, cols)?;
    Ok((terminal, inside))
}

impl Terminal {
    /// What comes out of it. Reading fails when no program has it any more.
    pub(crate) fn reader(&self) -> io::Result<File> {
        self.outside.try_clone()
    }

    pub(crate) fn types(&self, keys: &str) -> io::Result<()> {
        (&self.outside).write_all(keys.as_bytes())
    }

    pub(crate) fn resize(&self, rows: u16, cols: u16) -> io::Result<()> {
        let size = Winsize { ws_row: rows, ws_col: cols, ws_xpixel: 0, ws_ypixel: 0 };
        Ok(tcsetwinsize(&self.outside, size)?)
    }

    pub(crate) fn is_raw(&self) -> bool {
        tcgetattr(&self.outside).is_ok_and(|modes| !modes.local_modes.contains(LocalModes::ICANON))
    }
}
