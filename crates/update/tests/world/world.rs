//! A host with an old release running and a new one on offer, as far as an update can tell.

use std::{cell::RefCell, collections::HashMap};

use jiff::Timestamp;
use update::{
    census::Census,
    declaration::{Declaration, Side},
    journal::{Entry, fold, line},
    port::{Installed, Journal, Moment, Trial, Trouble},
    state::{Action, State, next},
};

use crate::{
    sabotage::{STARTS_MAX, Sabotage},
    strike::{Kind, Now, Op, Strike},
};

/// What the new release is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quality {
    /// It works.
    Good,
    /// Its services do not become ready.
    DoesNotStart,
    /// Its services start, and its trial speaks against it.
    FailsItsTrial,
    /// It takes the host down whenever it runs.
    TakesTheHostDown,
    /// Its driver ends at once.
    HasABrokenDriver,
    /// It makes of the database what the old release cannot read, and then does not become ready.
    BreaksTheDatabase,
    /// It works, and makes of the database what the old release cannot read.
    MigratesTheDatabase,
}

impl Quality {
    pub(crate) const ALL: [Self; 7] = [
        Self::Good,
        Self::DoesNotStart,
        Self::FailsItsTrial,
        Self::TakesTheHostDown,
        Self::HasABrokenDriver,
        Self::BreaksTheDatabase,
        Self::MigratesTheDatabase,
    ];

    /// Whether it is one to be kept.
    pub(crate) fn is_good(self) -> bool {
        matches!(self, Self::Good | Self::MigratesTheDatabase)
    }
}

/// Who starts services, and who is there when a driver ends too early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Watch {
    /// systemd: a boot starts the services, a unit's end runs the keeper, and what was taken down stays down.
    Systemd,
    /// Nobody: a user's own. The next command takes the update up. While one is declared clients wait for the driver to
    /// start the daemon; but one that looked before starts that of whatever `current` names, as soon as none runs, unless
    /// the driver holds the lock that says that there is one. The lock goes with the driver.
    Clients,
}

impl Watch {
    pub(crate) const ALL: [Self; 2] = [Self::Systemd, Self::Clients];
}

/// The host.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "facts about a host, which come in any combination")]
pub(crate) struct World {
    /// What the new release is like.
    pub(crate) quality: Quality,
    /// Who starts services.
    pub(crate) watch: Watch,
    /// Whether the driver keeps the daemon from being started.
    pub(crate) is_locked: bool,
    /// Whether there is a client that looked before the update was declared, and did not come yet.
    pub(crate) has_late_client: bool,
    /// What is to be read of the journal.
    pub(crate) journal: String,
    /// How much of it the power does not take, in bytes.
    synced_bytes: usize,
    /// What the driver says that it wrote into the journal, and did not yet.
    unwritten: String,
    /// How the update ended, for whoever asks later.
    pub(crate) told: Option<State>,
    /// What `current` names.
    pub(crate) current: Side,
    /// What it names after the power went.
    synced_current: Side,
    /// Whose driver would go back next time.
    pub(crate) keeper: Side,
    /// What `install.toml` says.
    pub(crate) recorded: Side,
    /// Whose driver acts.
    pub(crate) driver: Side,
    /// Which release the services are of, where they run.
    pub(crate) services: Option<Side>,
    /// Whether the old release can read the database.
    pub(crate) database_is_readable: bool,
    /// Whether changes are held back.
    pub(crate) holds: bool,
    /// Whether clients changed something after the hold.
    pub(crate) has_new_changes: bool,
    /// Whether the machines that ran when it was declared run.
    pub(crate) machines: bool,
    /// Whether the power went.
    pub(crate) is_dark: bool,
    /// How often the host was booted.
    pub(crate) boots: u32,
    /// How often an operation was struck.
    pub(crate) struck: u32,
    /// How many operations there were.
    pub(crate) ops: u32,
    ops_before_command: u32,
    starts: u32,
    strikes: Vec<Strike>,
    first_struck: Option<Op>,
    sabotage: Option<Sabotage>,
}

impl World {
    /// A host on which an update was just declared.
    pub(crate) fn declared(quality: Quality, watch: Watch, sabotage: Option<Sabotage>) -> Self {
        let declaration = Declaration {
            from: "v1.0.0".parse().unwrap(),
            to: "v1.1.0".parse().unwrap(),
            boot: "boot 0".to_owned(),
            census: Census::default(),
            failed_checks: std::collections::BTreeSet::new(),
            trial_seconds: 0,
            has_database_copy: true,
            cancelled: None,
        };
        let mut world = Self {
            quality,
            watch,
            is_locked: false,
            has_late_client: watch == Watch::Clients,
            journal: String::new(),
            synced_bytes: 0,
            unwritten: String::new(),
            told: None,
            current: Side::Old,
            synced_current: Side::Old,
            keeper: Side::Old,
            recorded: Side::Old,
            driver: Side::Old,
            services: Some(Side::Old),
            database_is_readable: true,
            holds: true,
            has_new_changes: false,
            machines: true,
            is_dark: false,
            boots: 0,
            struck: 0,
            ops: 0,
            ops_before_command: 0,
            starts: 0,
            strikes: vec![],
            first_struck: None,
            sabotage,
        };
        world.append(&Entry::Declared(Box::new(declaration))).unwrap();
        world.ops = 0;
        world
    }

    /// The same host, where this goes wrong.
    pub(crate) fn with(mut self, strike: Strike) -> Self {
        self.strikes.push(strike);
        self
    }

    /// Whatever goes wrong goes wrong no more.
    pub(crate) fn end_trouble(&mut self) {
        self.strikes.clear();
    }

    /// Has a release's driver begin.
    pub(crate) fn begin_command(&mut self, driver: Side) {
        self.driver = driver;
        self.ops_before_command = self.ops;
    }

    /// What a driver says that it wrote does not stay unwritten when it ends by itself.
    pub(crate) fn end_command(&mut self) {
        if !self.is_dark {
            self.write_down();
        }
    }

    /// Whether the machines run that ran when it was declared, or went down with the host.
    pub(crate) fn has_its_machines(&self) -> bool {
        self.machines || self.boots > 0
    }

    /// Whether nothing was done yet.
    pub(crate) fn is_as_before(&self) -> bool {
        let sides = [self.current, self.recorded, self.keeper];
        sides == [Side::Old; 3] && self.told.is_none() && self.journal.is_empty()
    }

    /// Turns the power on again: what lasts is there, and nothing runs yet.
    pub(crate) fn power_on(&mut self) {
        self.boots += 1;
        self.starts = 0;
        self.is_dark = false;
        self.journal.truncate(self.synced_bytes);
        self.unwritten.clear();
        self.current = self.synced_current;
        self.machines = false;
        self.holds = false;
        self.is_locked = false;
        self.has_late_client = false;
        self.services = None;
    }

    /// Ends the hold, and clients use it at once.
    fn let_changes_in(&mut self) {
        self.holds = false;
        self.has_new_changes = true;
    }

    /// The late client comes as soon as there is no daemon, and it may start one: that of the release that `current` names.
    fn late_client_comes(&mut self) {
        if self.has_late_client && self.services.is_none() && !self.is_locked && !self.is_dark {
            self.has_late_client = false;
            let _ = self.run(self.current);
        }
    }

    /// Starts the services of the release that `current` names, as a boot does.
    pub(crate) fn start_services(&mut self) {
        // What is not ready is started again for ever by whoever starts it; here it is just not there.
        let _ = self.run(self.current);
    }

    /// Counts one operation, and lets what was arranged strike it.
    fn op(&mut self, op: Op, effect: impl FnOnce(&mut Self)) -> Result<(), Trouble> {
        self.late_client_comes();
        if self.is_dark {
            return Err(Trouble::Ending);
        }
        let Some(kind) = self.next_strike(op) else {
            effect(self);
            if self.is_dark {
                return Err(Trouble::Ending);
            }
            if !op.is_of_the_journal() {
                self.write_down();
            }
            return Ok(());
        };
        if matches!(kind, Kind::FailsAfter | Kind::KilledAfter | Kind::CutAfter) {
            effect(self);
        }
        if matches!(kind, Kind::Fails | Kind::FailsAfter) && !self.is_dark {
            return Err(Trouble::Failed("it was arranged".to_owned()));
        }
        self.is_dark |= matches!(kind, Kind::CutBefore | Kind::CutAfter);
        // A lock goes with whoever held it, and so does what was not written yet.
        self.is_locked = false;
        self.unwritten.clear();
        Err(Trouble::Ending)
    }

    /// Counts one operation. Returns what strikes it.
    fn next_strike(&mut self, op: Op) -> Option<Kind> {
        let in_command = self.ops - self.ops_before_command;
        let now = Now { op, at: self.ops, in_command, first_struck: self.first_struck };
        self.ops += 1;
        let kind = self.strikes.iter().find(|strike| strike.hits(now))?.kind;
        self.struck += 1;
        self.first_struck.get_or_insert(op);
        Some(kind)
    }

    /// Adds to the journal what was said to be there already.
    fn write_down(&mut self) {
        if !self.unwritten.is_empty() {
            self.journal.push_str(&self.unwritten);
            self.synced_bytes = self.journal.len();
            self.unwritten.clear();
        }
    }

    /// Points `current` at a release.
    fn point_at(&mut self, side: Side) {
        self.current = side;
        if self.sabotage != Some(Sabotage::LosesTheLink) {
            self.synced_current = side;
        }
    }

    /// Holds a driver to what it may do: only what the journal, as it lies on the disk, says comes next, and as a release
    /// whose turn it is.
    fn expect(&self, action: Action) {
        let wanted = next_of(&format!("{}{}", self.journal, self.unwritten));
        assert_eq!(wanted, Some(action), "what is done is not what was recorded");
        let turn = match action {
            Action::Restart | Action::Try => Side::New,
            Action::Switch | Action::Revert | Action::Restore | Action::Return => Side::Old,
            Action::Finish => return,
        };
        assert_eq!(self.driver, turn, "{action:?} is not this driver's to do");
    }

    /// Takes the services down, where they may be up.
    fn take_down(&mut self, moment: Moment) -> Result<(), Trouble> {
        match moment {
            Moment::Up => self.op(Op::TakeDown, |world| {
                world.services = None;
                world.machines &= world.sabotage != Some(Sabotage::TakesMachinesDown);
                world.is_locked = world.watch == Watch::Clients;
            }),
            Moment::BeforeServices => {
                assert_eq!(self.services, None, "services run before the services");
                Ok(())
            }
        }
    }

    /// Runs the services of a release. Returns whether they became ready.
    fn run(&mut self, side: Side) -> bool {
        self.services = Some(side);
        if side == Side::Old {
            return self.database_is_readable;
        }
        match self.quality {
            Quality::Good | Quality::HasABrokenDriver | Quality::FailsItsTrial => true,
            Quality::MigratesTheDatabase => {
                self.database_is_readable = false;
                true
            }
            Quality::DoesNotStart => false,
            Quality::TakesTheHostDown => {
                self.is_dark = true;
                false
            }
            Quality::BreaksTheDatabase => {
                self.database_is_readable = false;
                false
            }
        }
    }
}

/// What comes next by a journal. A sweep meets the same ones again and again, and most of its time went by reading them.
fn next_of(journal: &str) -> Option<Action> {
    thread_local! {
        static KNOWN: RefCell<HashMap<String, Option<Action>>> = RefCell::default();
    }
    KNOWN.with_borrow_mut(|known| {
        if let Some(action) = known.get(journal) {
            return *action;
        }
        let action = next(&fold(journal).unwrap().unwrap().state);
        known.insert(journal.to_owned(), action);
        action
    })
}

impl Journal for World {
    fn read(&mut self) -> Result<String, Trouble> {
        self.op(Op::ReadJournal, |_| ())?;
        Ok(format!("{}{}", self.journal, self.unwritten))
    }

    fn append(&mut self, entry: &Entry) -> Result<(), Trouble> {
        let text = line(entry, Timestamp::UNIX_EPOCH, &self.boot()).unwrap();
        let is_declaration = matches!(entry, Entry::Declared(_));
        let is_late = match self.sabotage {
            Some(Sabotage::DeclaresLate) => is_declaration,
            Some(Sabotage::RecordsLate) => !is_declaration,
            _ => false,
        };
        let is_synced = match self.sabotage {
            Some(Sabotage::LosesTheJournal) => false,
            Some(Sabotage::LosesEvents) => is_declaration,
            _ => true,
        };
        self.op(Op::AddLine, |world| {
            world.write_down();
            if is_late {
                world.unwritten = text;
                return;
            }
            world.journal.push_str(&text);
            if is_synced {
                world.synced_bytes = world.journal.len();
            }
        })
    }

    fn close(&mut self, _: &Declaration, end: &State) -> Result<(), Trouble> {
        self.op(Op::Tell, |world| world.told = Some(end.clone()))?;
        self.op(Op::DropJournal, |world| {
            world.journal.clear();
            world.synced_bytes = 0;
            world.unwritten.clear();
        })
    }

    fn boot(&self) -> String {
        format!("boot {}", self.boots)
    }
}

impl Installed for World {
    fn switch(&mut self, _: &Declaration) -> Result<(), Trouble> {
        self.expect(Action::Switch);
        self.op(Op::Link, |world| world.point_at(Side::New))?;
        // systemd reads its units: what it knows of them is not modelled, that it can fail is.
        self.op(Op::Reload, |_| ())
    }

    fn revert(&mut self, _: &Declaration, moment: Moment) -> Result<(), Trouble> {
        self.expect(Action::Revert);
        self.take_down(moment)?;
        self.op(Op::Link, |world| world.point_at(Side::Old))?;
        // Whoever starts failed services again does so from here on with the old release.
        assert!(self.services.is_none(), "the old release is started on what the new one left");
        self.op(Op::Reload, |_| ())
    }

    fn restart(&mut self, _: &Declaration, side: Side) -> Result<(), Trouble> {
        self.expect(if side == Side::New { Action::Restart } else { Action::Return });
        assert_eq!(self.current, side, "only what current names is started");
        let mut is_ready = false;
        self.op(Op::Start, |world| {
            world.is_locked = false;
            world.starts += 1;
            let is_refused = world.sabotage == Some(Sabotage::StopsStarting) && world.starts > STARTS_MAX;
            is_ready = !is_refused && world.run(side);
        })?;
        if is_ready { Ok(()) } else { Err(Trouble::Failed("it is not ready".to_owned())) }
    }

    fn restore(&mut self, _: &Declaration, moment: Moment) -> Result<(), Trouble> {
        self.expect(Action::Restore);
        self.take_down(moment)?;
        self.op(Op::PutBack, |world| {
            let is_kept = world.database_is_readable || !world.has_new_changes;
            assert!(is_kept, "what clients changed is lost");
            world.database_is_readable = true;
        })
    }

    fn settle(&mut self, _: &Declaration, side: Side) -> Result<(), Trouble> {
        if side == Side::New {
            self.op(Op::LetIn, Self::let_changes_in)?;
        }
        self.op(Op::Record, |world| world.recorded = side)?;
        self.op(Op::Keep, |world| world.keeper = side)?;
        match side {
            Side::Old => self.op(Op::LetIn, Self::let_changes_in),
            Side::New => Ok(()),
        }
    }
}

impl Trial for World {
    fn watch(&mut self, _: &Declaration) -> Result<(), Trouble> {
        self.expect(Action::Try);
        self.op(Op::Try, |_| ())?;
        match self.quality {
            Quality::FailsItsTrial => Err(Trouble::Failed("a check fails".to_owned())),
            _ => Ok(()),
        }
    }
}
