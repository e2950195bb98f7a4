//! The terminal here, while a guest's terminal has it.

use std::io;

use guest::PtySize;
use rustix::termios::{OptionalActions, Termios, isatty, tcgetattr, tcgetwinsize, tcsetattr};

/// The size where nobody can tell it.
const SIZE_UNKNOWN: PtySize = PtySize { rows: 24, cols: 80 };

/// Whether a person types into stdin.
pub(crate) fn stdin_is_terminal() -> bool {
    isatty(rustix::stdio::stdin())
}

/// The size of the terminal, from whichever stream is one.
pub(crate) fn size() -> PtySize {
    let ask = |fd| tcgetwinsize(fd).ok().filter(|size| size.ws_row > 0 && size.ws_col > 0);
    let size = ask(rustix::stdio::stdout()).or_else(|| ask(rustix::stdio::stdin()));
    size.map_or(SIZE_UNKNOWN, |size| PtySize { rows: size.ws_row, cols: size.ws_col })
}

/// A terminal that passes every key on. Dropping it gives it back as it was.
#[derive(Debug)]
pub(crate) struct RawMode {
    before: Termios,
}

impl RawMode {
    /// Takes the terminal; `None` where stdin is none.
    pub(crate) fn take() -> io::Result<Option<Self>> {
        if !stdin_is_terminal() {
            return Ok(None);
        }
        let before = tcgetattr(rustix::stdio::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &raw)?;
        Ok(Some(Self { before }))
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &self.before).ok();
    }
}
