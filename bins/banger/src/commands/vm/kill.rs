//! `banger vm kill`.

use api::VmKill;

use super::many::{Machines, Verb};
use crate::{daemon::Context, fault::Fault};

/// End machines at once, without asking them; what they had not written is lost
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  banger vm kill box\n  banger vm kill --signal TERM box")]
pub(crate) struct Kill {
    #[command(flatten)]
    machines: Machines,
    /// The signal for the machine's monitor, by name or number
    #[arg(long, default_value = "KILL", value_parser = signal)]
    signal: i32,
}

const VERB: Verb<'_> = Verb { now: "kill", past: "killed", doing: "kill machines", boots: false };

/// Signals that end a program, and have a name that people use.
const SIGNALS: [(&str, i32); 8] =
    [("HUP", 1), ("INT", 2), ("QUIT", 3), ("ABRT", 6), ("KILL", 9), ("USR1", 10), ("USR2", 12), ("TERM", 15)];

fn signal(text: &str) -> Result<i32, String> {
    let name = text.to_ascii_uppercase();
    let name = name.strip_prefix("SIG").unwrap_or(&name);
    let found = SIGNALS.iter().find(|(known, number)| *known == name || number.to_string() == name);
    let names = || SIGNALS.map(|(name, _)| name).join(", ");
    found
        .map(|(_, number)| *number)
        .ok_or_else(|| format!("{text:?} is not a signal: it must be one of {}", names()))
}

impl Kill {
    pub(crate) async fn run(&self, context: &Context) -> Result<u8, Fault> {
        let kill = VmKill { signal: self.signal };
        self.machines
            .operate(context, VERB, async |client, vm| client.vm_kill(vm.id.as_str(), kill).await)
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_have_names_and_numbers() {
        for (text, want) in [
            ("KILL", Some(9)),
            ("sigterm", Some(15)),
            ("9", Some(9)),
            ("0", None),
            ("STOP", None),
            ("19", None),
            ("-9", None),
            ("", None),
        ] {
            assert_eq!(signal(text).ok(), want, "{text:?}");
        }
    }
}
