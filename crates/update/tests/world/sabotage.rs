//! Faults that are put in on purpose: what the machine asks of the world is said to be done, and is not as it is meant.

/// A fault. An update to a good release that nothing strikes shows none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sabotage {
    /// Nothing is declared before something is done: the declaration is written after the first thing that is.
    DeclaresLate,
    /// The directory of the journal is not synced when it is declared: the power takes all of the journal.
    LosesTheJournal,
    /// An event is written after the first thing that follows from it is done.
    RecordsLate,
    /// Events are not synced when they are written: the power takes them.
    LosesEvents,
    /// The directory of `current` is not synced when that is said to name another release: the power takes that.
    LosesTheLink,
    /// Machines go down with the services.
    TakesMachinesDown,
    /// Services are started [`STARTS_MAX`] times, and not again before a boot.
    StopsStarting,
}

/// As often as services are started where one thing goes wrong.
pub(crate) const STARTS_MAX: u32 = 3;
