//! A machine that runs on while something is done to what is around it.

use smoke::Host;

use crate::system::{boot_id, main_pid, monitor_unit};

/// A machine, and which one it was when it was first looked at: its monitor's process and its guest's boot.
pub(crate) struct Bystander<'a> {
    host: &'a Host,
    name: &'a str,
    before: (String, String),
}

impl<'a> Bystander<'a> {
    /// Boots one of the small image.
    #[track_caller]
    pub(crate) fn boot(host: &'a Host, name: &'a str) -> Self {
        host.start_small(name);
        Self { host, name, before: look(host, name) }
    }

    /// Holds it to be what it was.
    #[track_caller]
    pub(crate) fn assert_lives(&self, what: &str) {
        assert_eq!(look(self.host, self.name), self.before, "{what}");
    }

    /// Does something, and holds it to be what it was.
    #[track_caller]
    pub(crate) fn assert_lives_through(&self, what: &str, act: impl FnOnce()) {
        act();
        self.assert_lives(what);
    }
}

fn look(host: &Host, name: &str) -> (String, String) {
    (main_pid(host, &monitor_unit(host, name)), boot_id(host, name))
}
