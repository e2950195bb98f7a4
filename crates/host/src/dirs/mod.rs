//! Where banger keeps its things, and that nobody is in there who should not be.
//!
//! In embedded mode a user's banger keeps its own, below the user's home; a system install keeps its things
//! where the system's things are, for one owner.
//!
//! | directory | for                                          | embedded                  | else              | system             |
//! |-----------|----------------------------------------------|---------------------------|-------------------|--------------------|
//! | state     | the store, machines, their disks             | `$XDG_STATE_HOME/banger`  | `~/.local/state/banger` | `/var/lib/banger` |
//! | library   | the releases that were installed              | `$XDG_DATA_HOME/banger`   | `~/.local/share/banger` | `/usr/local/lib/banger` |
//! | cache     | what can be fetched or built again           | `$XDG_CACHE_HOME/banger`  | `~/.cache/banger` | `/var/cache/banger` |
//! | config    | `config.toml`, read only                     | `$XDG_CONFIG_HOME/banger` | `~/.config/banger` | `/etc/banger`     |
//! | runtime   | the daemon's socket                          | `$XDG_RUNTIME_DIR/banger` | `/tmp/banger-<uid>` | `/run/banger`    |
//! | links     | the machines' sockets                        | the machine's directory in state | | `/run/banger-vm/<id>` |
//!
//! A user's runtime directory goes away at the last logout while machines live on, so nothing of theirs is
//! in it. A relative path in the environment is ignored (XDG Base Directory Specification 0.8).

mod current;
mod environment;
mod error;
mod mode;
mod places;
mod record;
mod system;

pub use self::{
    current::in_current_release,
    environment::Environment,
    error::DirsError,
    mode::Mode,
    places::Dirs,
    record::{RecordError, read_record},
    system::SystemPaths,
};
