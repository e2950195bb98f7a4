//! Asking before something goes that does not come back.

use std::io::{self, IsTerminal as _, Write as _};

use crate::{
    daemon::Context,
    fault::{Doing as _, Fault},
};

/// A yes that may have been given before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Yes {
    /// The flag that gives it.
    pub(super) flag: &'static str,
    /// Whether it was given.
    pub(super) is_given: bool,
}

impl Yes {
    /// Refuses where it was not given, and nobody can be asked.
    pub(super) fn check(self, context: &Context, doing: &str) -> Result<(), Fault> {
        let can_ask = io::stdin().is_terminal() && io::stderr().is_terminal() && !context.screen.is_json();
        if self.is_given || can_ask {
            return Ok(());
        }
        let fault = Fault::usage(format!("{doing}: there is no terminal to ask on"));
        Err(fault.hint(format!("Give {}.", self.flag)))
    }

    /// Asks where it was not given. Returns whether to go on.
    pub(super) fn ask(self, context: &Context, question: &str, doing: &str) -> Result<bool, Fault> {
        self.check(context, doing)?;
        if self.is_given {
            return Ok(true);
        }
        write!(io::stderr(), "{question} [y/N] ").ok();
        let mut answer = String::new();
        io::stdin().read_line(&mut answer).doing(doing)?;
        Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
    }
}
