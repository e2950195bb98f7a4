//! What goes wrong, and at which operation.

/// What is asked of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    /// The journal is read.
    ReadJournal,
    /// A line is added to the journal.
    AddLine,
    /// How it ended is told to whoever asks later.
    Tell,
    /// The journal is taken away.
    DropJournal,
    /// `current` is pointed at a release.
    Link,
    /// systemd reads its units.
    Reload,
    /// Services are taken down.
    TakeDown,
    /// Services are started.
    Start,
    /// The database is put back.
    PutBack,
    /// The new release is tried.
    Try,
    /// Changes are let in.
    LetIn,
    /// `install.toml` is written.
    Record,
    /// It is written down whose driver would go back next time.
    Keep,
}

impl Op {
    /// Whether it reads or writes the journal, and changes nothing else.
    pub(crate) fn is_of_the_journal(self) -> bool {
        matches!(self, Self::ReadJournal | Self::AddLine | Self::Tell | Self::DropJournal)
    }
}

/// What goes wrong at an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It fails, says so, and has no effect.
    Fails,
    /// It takes effect, and says that it failed.
    FailsAfter,
    /// The driver is killed before it has any effect.
    KilledBefore,
    /// The driver is killed after it took effect, before anything was recorded.
    KilledAfter,
    /// The power goes before.
    CutBefore,
    /// The power goes after.
    CutAfter,
}

impl Kind {
    pub(crate) const ALL: [Self; 6] = [
        Self::Fails,
        Self::FailsAfter,
        Self::KilledBefore,
        Self::KilledAfter,
        Self::CutBefore,
        Self::CutAfter,
    ];
}

/// Which operations are struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The one, and never again.
    Once,
    /// It, and all that come after it.
    All,
    /// It, and all after it that ask for the same: the disk of the journal is full, or systemd does not answer.
    Alike,
    /// The one that comes as late in its command, in each command: no attempt gets further.
    OfEachCommand,
}

impl Reach {
    /// Those of a strike that goes on until the trouble ends.
    pub(crate) const LASTING: [Self; 3] = [Self::All, Self::Alike, Self::OfEachCommand];
}

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strike {
    /// At which operation, counted from 0 over every port.
    pub(crate) at: u32,
    /// What.
    pub(crate) kind: Kind,
    /// At which others.
    pub(crate) reach: Reach,
}

/// An operation that is about to be done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    /// What is asked.
    pub(crate) op: Op,
    /// How many came before it.
    pub(crate) at: u32,
    /// How many of its command came before it.
    pub(crate) in_command: u32,
    /// What was asked for when it was struck first.
    pub(crate) first_struck: Option<Op>,
}

impl Strike {
    /// Strikes one operation.
    pub(crate) fn once(at: u32, kind: Kind) -> Self {
        Self { at, kind, reach: Reach::Once }
    }

    /// Whether it strikes an operation.
    pub(crate) fn hits(self, now: Now) -> bool {
        match self.reach {
            Reach::Once => now.at == self.at,
            Reach::All => now.at >= self.at,
            Reach::Alike => now.at == self.at || now.first_struck == Some(now.op),
            Reach::OfEachCommand => now.in_command == self.at,
        }
    }
}
