//! Why the daemon did not come up.

use std::process::ExitCode;

use model::Class;

use crate::failure::chain;

/// Why the daemon did not come up: told on stderr, and by the exit code.
#[derive(Debug)]
pub(crate) struct Fatal {
    pub(crate) doing: &'static str,
    pub(crate) why: String,
    pub(crate) class: Class,
    pub(crate) hint: Option<String>,
}

impl Fatal {
    pub(crate) fn new(
        doing: &'static str,
        error: &dyn std::error::Error,
        class: Class,
        hint: Option<String>,
    ) -> Self {
        Self { doing, why: chain(error), class, hint }
    }

    /// Tells it, in the log too where there is one, and returns the exit code.
    pub(crate) fn tell(&self) -> ExitCode {
        use std::io::Write;
        tracing::error!("{}: {}", self.doing, self.why);
        let hint = self.hint.as_ref().map(|hint| format!("\n{hint}")).unwrap_or_default();
        // Where nobody reads it, the exit code still says it.
        let _ = writeln!(std::io::stderr(), "bangerd: {}: {}{hint}", self.doing, self.why);
        ExitCode::from(self.class.exit_code())
    }
}
