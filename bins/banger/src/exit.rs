//! Exit codes: the whole table.
//!
//! | code | means | commands |
//! |------|-------|----------|
//! | 0 | done | all |
//! | 1 | failed; with several machines: at least one failed | all |
//! | 2 | usage: what was asked cannot be meant | all |
//! | 3 | refused: a policy, a state that does not allow it, operations in flight | all |
//! | 4 | this host lacks something; the hint says what to install | all |
//! | 5 | the daemon cannot be reached | all |
//! | 6 | a bug of ours | all |
//! | 124 | `--timeout` ended the command | `run`, `vm run`, `vm exec` |
//! | 125 | banger itself failed or refused, for whichever reason of 1 to 6 | `run -- CMD`, `vm run -- CMD`, `vm exec`, `vm ssh` |
//! | 126, 127 | the command cannot be run; there is no such command | `run`, `vm run`, `vm exec` |
//! | 128+n | banger (or the command in the guest) was ended by signal n: 130 after Ctrl-C | all |
//! | any | the command's own code, verbatim (a bare `run`: the shell's) | `run`, `vm run`, `vm exec`, `vm ssh` |
//!
//! `vm run -d` never runs a command, so its refusals are those of 1 to 6, `-d -- CMD` included.
//! Codes 1 to 6 are [`model::Class::exit_code`].

/// Everything was done.
pub(crate) const DONE: u8 = 0;
/// At least one of several failed.
pub(crate) const FAILED: u8 = 1;
/// A time limit ended the command, as with `timeout(1)`.
pub(crate) const TIMED_OUT: u8 = 124;
/// Banger itself failed where the exit code is otherwise the command's.
pub(crate) const OURS: u8 = 125;

/// The code of a program that a signal ended, as a shell tells it.
pub(crate) fn of_signal(signal: i32) -> u8 {
    u8::try_from(signal).map_or(u8::MAX, |signal| signal.saturating_add(128))
}
