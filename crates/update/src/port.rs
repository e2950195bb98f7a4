//! What a driver does to the world.

use crate::{
    declaration::{Declaration, Side},
    journal::Entry,
    state::State,
};

/// When a driver runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// While the services run, or could.
    Up,
    /// While the host is being booted, before the services: nothing is started and nothing waited for.
    BeforeServices,
}

/// Why an operation did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It failed, and says why.
    Failed(String),
    /// The driver itself is being ended: nothing may be recorded any more.
    Ending,
}

/// What lasts of an update while it is under way.
pub trait Journal {
    /// Reads the whole of it; empty where there is none.
    ///
    /// # Errors
    ///
    /// [`Trouble`] where it cannot be read.
    fn read(&mut self) -> Result<String, Trouble>;

    /// Adds an entry. It is on the disk when this returns.
    ///
    /// # Errors
    ///
    /// [`Trouble`]: the entry is there whole, or not at all.
    fn append(&mut self, entry: &Entry) -> Result<(), Trouble>;

    /// Takes it away, once `end` is told to whoever asks later.
    ///
    /// # Errors
    ///
    /// [`Trouble`]: it is still there, and closing it again is safe.
    fn close(&mut self, declaration: &Declaration, end: &State) -> Result<(), Trouble>;

    /// Which boot of the host this is.
    fn boot(&self) -> String;
}

/// The installed system. Every operation may be done again, and does then what is left to be done.
pub trait Installed {
    /// Points `current` at the new release and has its units read. No service is touched.
    ///
    /// # Errors
    ///
    /// [`Trouble`]: `current` names one release or the other, whole.
    fn switch(&mut self, declaration: &Declaration) -> Result<(), Trouble>;

    /// Takes the services down, then points `current` at the old release and has its units read. The services are down
    /// first, since whoever starts a failed one again would start the old release on what the new one made of the database.
    /// Before the services nothing has to be taken down. Machines are not touched.
    ///
    /// # Errors
    ///
    /// [`Trouble`]: `current` names one release or the other, whole.
    fn revert(&mut self, declaration: &Declaration, moment: Moment) -> Result<(), Trouble>;

    /// Starts the services of a side's release again and waits until they are ready. Machines are not touched.
    ///
    /// # Errors
    ///
    /// [`Trouble`] where they are not.
    fn restart(&mut self, declaration: &Declaration, side: Side) -> Result<(), Trouble>;

    /// Puts the database back as it was declared, unless the one that is there is one that the old release left. The
    /// services are down for it.
    ///
    /// # Errors
    ///
    /// [`Trouble`]: the database is whole, the one or the other.
    fn restore(&mut self, declaration: &Declaration, moment: Moment) -> Result<(), Trouble>;

    /// Leaves nothing of the update behind, and lets changes through again: with the old side at last, since going back may
    /// have to be done again; with the new side at once, and then records it and makes its driver the one that would go
    /// back next time.
    ///
    /// # Errors
    ///
    /// [`Trouble`]: what was done stays done.
    fn settle(&mut self, declaration: &Declaration, side: Side) -> Result<(), Trouble>;
}

/// The judge of the new release.
pub trait Trial {
    /// Tries it: its own `doctor`, a round trip through every contract; then, until the trial period is over, which begins
    /// with the first of these, that its services and the machines go on; and at its end the machines' own answers.
    ///
    /// # Errors
    ///
    /// [`Trouble`] with what speaks against it.
    fn watch(&mut self, declaration: &Declaration) -> Result<(), Trouble>;
}
