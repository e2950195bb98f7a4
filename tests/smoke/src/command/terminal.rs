//! A terminal for a command, with the test in front of it.

use std::{
    fs::{File, OpenOptions},
    io::{self, PipeReader, PipeWriter, Read, Write, pipe},
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    fs::OFlags,
    io::retry_on_intr,
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize},
};

/// The side of a terminal on which a person would sit. It closes when this is dropped.
#[derive(Debug)]
pub(crate) struct Terminal {
    outside: File,
    _open: PipeWriter,
}

/// What comes out of a terminal. It ends when the terminal closes, and fails when no program has that any more.
#[derive(Debug)]
pub(crate) struct Reader {
    outside: File,
    /// Can be read when the terminal closes.
    closed: PipeReader,
}

/// Makes a terminal; returns it, what comes out of it, and the side that a program gets.
pub(crate) fn open(rows: u16, cols: u16) -> io::Result<(Terminal, Reader, File)> {
    let outside = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&outside)?;
    unlockpt(&outside)?;
    let name = ptsname(&outside, vec![])?;
    let path = PathBuf::from(name.to_string_lossy().into_owned());
    let flags = i32::try_from(OFlags::NOCTTY.bits()).unwrap_or_default();
    let inside = OpenOptions::new().read(true).write(true).custom_flags(flags).open(path)?;
    let (closed, open) = pipe()?;
    let terminal = Terminal { outside: outside.into(), _open: open };
    let reader = Reader { outside: terminal.outside.try_clone()?, closed };
    terminal.resize(rows, cols)?;
    Ok((terminal, reader, inside))
}

impl Terminal {
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

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut either =
            [PollFd::new(&self.outside, PollFlags::IN), PollFd::new(&self.closed, PollFlags::IN)];
        retry_on_intr(|| poll(&mut either, None))?;
        let is_closed = !either[1].revents().is_empty();
        if is_closed { Ok(0) } else { self.outside.read(buffer) }
    }
}

#[cfg(test)]
mod tests {
    use crate::Command;

    #[test]
    fn who_leads_the_session_of_a_terminal_that_closes_is_told() {
        let script = "trap 'exit 43' HUP; echo in; while :; do sleep 0.1; done";
        let path = ("PATH".into(), "/usr/bin:/bin".into());
        let shell = Command::new("/bin/sh".into(), "/".into(), &[path]).args(["-c", script]);
        let mut shell = shell.on_terminal(24, 80).start();
        shell.wait_for_text("in");
        shell.close_terminal();
        shell.finish().exits(43);
    }
}
