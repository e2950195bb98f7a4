//! A host with an old release running and a new one on offer, as far as an update can tell.

use update::{
    census::Census,
    declaration::{Declaration, Side},
    journal::{Entry, fold, line},
    port::{Installed, Journal, Moment, Trial, Trouble},
    state::{Action, State, next},
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
}

impl Quality {
    pub(crate) const ALL: [Self; 6] = [
        Self::Good,
        Self::DoesNotStart,
        Self::FailsItsTrial,
        Self::TakesTheHostDown,
        Self::HasABrokenDriver,
        Self::BreaksTheDatabase,
    ];
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

/// What goes wrong at an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It fails, says so, and has no effect.
    Fails,
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
    pub(crate) const ALL: [Self; 5] =
        [Self::Fails, Self::KilledBefore, Self::KilledAfter, Self::CutBefore, Self::CutAfter];
}

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strike {
    /// At which operation, counted from 0 over every port.
    pub(crate) at: u32,
    /// What.
    pub(crate) kind: Kind,
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
    /// What lies on the disk of the journal.
    pub(crate) journal: String,
    /// How the update ended, for whoever asks later.
    pub(crate) told: Option<State>,
    /// What `current` names.
    pub(crate) current: Side,
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
    strikes: Vec<Strike>,
    ops: u32,
}

impl World {
    /// A host on which an update was just declared.
    pub(crate) fn declared(quality: Quality, watch: Watch) -> Self {
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
            told: None,
            current: Side::Old,
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
            strikes: vec![],
            ops: 0,
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

    /// Turns the power on again: what lasts is there, and nothing runs yet.
    pub(crate) fn power_on(&mut self) {
        self.boots += 1;
        self.is_dark = false;
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
    fn op(&mut self, effect: impl FnOnce(&mut Self)) -> Result<(), Trouble> {
        self.late_client_comes();
        if self.is_dark {
            return Err(Trouble::Ending);
        }
        let op = self.ops;
        self.ops += 1;
        let Some(strike) = self.strikes.iter().find(|strike| strike.at == op).copied() else {
            effect(self);
            return if self.is_dark { Err(Trouble::Ending) } else { Ok(()) };
        };
        self.struck += 1;
        if matches!(strike.kind, Kind::KilledAfter | Kind::CutAfter) {
            effect(self);
        }
        self.is_dark |= matches!(strike.kind, Kind::CutBefore | Kind::CutAfter);
        // A lock goes with whoever held it.
        self.is_locked &= strike.kind == Kind::Fails;
        match strike.kind {
            Kind::Fails => Err(Trouble::Failed("it was arranged".to_owned())),
            _ => Err(Trouble::Ending),
        }
    }

    /// Holds a driver to what it may do: only what the journal, as it lies on the disk, says comes next, and as a release
    /// whose turn it is.
    fn expect(&self, action: Action) {
        let update = fold(&self.journal).unwrap().unwrap();
        assert_eq!(next(&update.state), Some(action), "what is done is not what was recorded");
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
            Moment::Up => self.op(|world| {
                world.services = None;
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

impl Journal for World {
    fn read(&mut self) -> Result<String, Trouble> {
        self.op(|_| ())?;
        Ok(self.journal.clone())
    }

    fn append(&mut self, entry: &Entry) -> Result<(), Trouble> {
        let at = "2026-01-02T03:04:05Z".parse().unwrap();
        let text = line(entry, at, &self.boot()).unwrap();
        self.op(|world| world.journal.push_str(&text))
    }

    fn close(&mut self, _: &Declaration, end: &State) -> Result<(), Trouble> {
        self.op(|world| world.told = Some(end.clone()))?;
        self.op(|world| world.journal.clear())
    }

    fn boot(&self) -> String {
        format!("boot {}", self.boots)
    }
}

impl Installed for World {
    fn switch(&mut self, _: &Declaration) -> Result<(), Trouble> {
        self.expect(Action::Switch);
        self.op(|world| world.current = Side::New)?;
        // systemd reads its units: what it knows of them is not modelled, that it can fail is.
        self.op(|_| ())
    }

    fn revert(&mut self, _: &Declaration, moment: Moment) -> Result<(), Trouble> {
        self.expect(Action::Revert);
        self.take_down(moment)?;
        self.op(|world| world.current = Side::Old)?;
        // Whoever starts failed services again does so from here on with the old release.
        assert!(self.services.is_none(), "the old release is started on what the new one left");
        self.op(|_| ())
    }

    fn restart(&mut self, _: &Declaration, side: Side) -> Result<(), Trouble> {
        self.expect(if side == Side::New { Action::Restart } else { Action::Return });
        assert_eq!(self.current, side, "only what current names is started");
        let mut is_ready = false;
        self.op(|world| {
            world.is_locked = false;
            is_ready = world.run(side);
        })?;
        if is_ready { Ok(()) } else { Err(Trouble::Failed("it is not ready".to_owned())) }
    }

    fn restore(&mut self, _: &Declaration, moment: Moment) -> Result<(), Trouble> {
        self.expect(Action::Restore);
        self.take_down(moment)?;
        self.op(|world| {
            let is_kept = world.database_is_readable || !world.has_new_changes;
            assert!(is_kept, "what clients changed is lost: {world:?}");
            world.database_is_readable = true;
        })
    }

    fn settle(&mut self, _: &Declaration, side: Side) -> Result<(), Trouble> {
        if side == Side::New {
            self.op(Self::let_changes_in)?;
        }
        self.op(|world| world.recorded = side)?;
        self.op(|world| world.keeper = side)?;
        match side {
            Side::Old => self.op(Self::let_changes_in),
            Side::New => Ok(()),
        }
    }
}

impl Trial for World {
    fn watch(&mut self, _: &Declaration) -> Result<(), Trouble> {
        self.expect(Action::Try);
        self.op(|_| ())?;
        match self.quality {
            Quality::FailsItsTrial => Err(Trouble::Failed("a check fails".to_owned())),
            _ => Ok(()),
        }
    }
}
