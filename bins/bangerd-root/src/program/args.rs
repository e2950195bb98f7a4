//! What may stand on the command line.

use std::path::PathBuf;

use model::VmId;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// Serve contract ②, on the socket that systemd hands in, or on one that is made at this path.
    Serve {
        /// Where; `None` for systemd's.
        socket: Option<PathBuf>,
    },
    /// Become the monitor of a machine.
    Launch {
        /// The machine.
        id: VmId,
    },
    /// Become the link of a machine.
    Link {
        /// The machine.
        id: VmId,
    },
    /// Ask the guest of a machine to power off.
    AskToStop {
        /// The machine.
        id: VmId,
    },
    /// Say which release this is.
    Version,
}

/// `[--prefix DIR] [--socket PATH | launch ID | link ID | ask-to-stop ID | --version]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Args {
    /// The directory that stands for `/`.
    pub prefix: PathBuf,
    /// What is to be done.
    pub task: Task,
}

/// Why a command line cannot be meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArgsError {
    /// A word that means nothing, or not there.
    #[error("{word:?} cannot stand here")]
    Unknown {
        /// The word.
        word: String,
    },
    /// A word that wants another after it.
    #[error("{word} wants {what} after it")]
    Lacks {
        /// The word.
        word: String,
        /// What should follow.
        what: &'static str,
    },
}

impl Args {
    /// Reads the words after the program's name.
    ///
    /// # Errors
    ///
    /// [`ArgsError`].
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, ArgsError> {
        let (mut prefix, mut task) = (PathBuf::from("/"), None);
        while let Some(word) = words.next() {
            let mut value = |what| words.next().ok_or_else(|| ArgsError::Lacks { word: word.clone(), what });
            let read = match word.as_str() {
                "--prefix" => {
                    prefix = value("a directory")?.into();
                    continue;
                }
                "--socket" => Task::Serve { socket: Some(value("a path")?.into()) },
                "launch" => Task::Launch { id: machine(&value("a machine's id")?)? },
                "link" => Task::Link { id: machine(&value("a machine's id")?)? },
                "ask-to-stop" => Task::AskToStop { id: machine(&value("a machine's id")?)? },
                "--version" => Task::Version,
                _ => return Err(ArgsError::Unknown { word }),
            };
            if task.replace(read).is_some() {
                return Err(ArgsError::Unknown { word });
            }
        }
        Ok(Self { prefix, task: task.unwrap_or(Task::Serve { socket: None }) })
    }
}

fn machine(text: &str) -> Result<VmId, ArgsError> {
    text.parse().map_err(|_| ArgsError::Unknown { word: text.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_one_thing_or_is_refused() {
        for (line, ok) in [
            ("", true),
            ("--socket /s", true),
            ("--prefix /p --socket /s", true),
            ("launch 000102fdfeff", true),
            ("--prefix /p link 000102fdfeff", true),
            ("ask-to-stop 000102fdfeff", true),
            ("--version", true),
            ("launch", false),
            ("launch ../../x", false),
            ("launch 000102fdfeff link 000102fdfeff", false),
            ("launch 000102fdfeff 000102fdfeff", false),
            ("--prefix", false),
            ("--help", false),
            ("exec sh", false),
        ] {
            let words = line.split_whitespace().map(str::to_owned);
            assert_eq!(Args::parse(words).is_ok(), ok, "{line:?}");
        }
    }
}
