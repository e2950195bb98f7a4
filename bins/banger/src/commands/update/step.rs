//! How a step of the updater is done, and how its failure is told.

use model::Class;
use updater::{UpdateError, places::Places};

use crate::{
    commands::system::need_root,
    fault::{Explain, Fault},
};

impl Explain for UpdateError {
    fn explain(self, _doing: &str) -> Fault {
        let fault = Fault::new(self.class, format!("{}: {}", self.step, self.why));
        Fault { hint: self.hint, ..fault }
    }
}

/// A step's failure, as it is told: the step is what was being done.
pub(super) fn told(error: UpdateError) -> Fault {
    error.explain("update")
}

/// Does what blocks beside the runtime.
pub(super) async fn found<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, UpdateError> + Send + 'static,
) -> Result<T, Fault> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(told),
        Err(error) => Err(Fault::new(Class::Bug, format!("update: {error}"))),
    }
}

/// Where the updates of the install that is meant are kept.
pub(super) fn places(step: &'static str) -> Result<Places, Fault> {
    Places::find(step).map_err(told)
}

/// Refuses whoever may not update the install that is meant. `command` is what was asked for, as it is typed after `banger`.
pub(super) fn need_rights(places: &Places, doing: &str, command: &str) -> Result<(), Fault> {
    if places.is_system() { need_root(doing, command) } else { Ok(()) }
}
