//! What a real host does around the driver, and what holds of it afterwards.

use update::{
    declaration::Side,
    drive::{self, DriveError, Stop},
    port::Moment,
    state::State,
};

use crate::world::{Quality, Watch, World};

/// More commands and boots than any update needs.
const STEPS_MAX: u32 = 16;

/// What comes next.
#[derive(Clone, Debug)]
enum Turn {
    /// A release's driver.
    Drive(Side),
    /// Whoever takes an update up.
    Resume,
    /// Nothing: this is how it ended, as far as anybody knows.
    Over(Option<State>),
}

/// A host, between one command and the next. The old release begins, hands over to the new one, and the keeper takes up what
/// ended too early; a boot judges before the services and carries on after them.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    /// The host as a driver sees it.
    pub(crate) world: World,
    turn: Turn,
}

impl Host {
    /// A host on which an update was just declared.
    pub(crate) fn new(world: World) -> Self {
        Self { world, turn: Turn::Drive(Side::Old) }
    }

    /// Whether nothing comes any more.
    pub(crate) fn is_over(&self) -> bool {
        !self.world.is_dark && matches!(self.turn, Turn::Over(_))
    }

    /// Lets the next command run, or boots.
    pub(crate) fn step(&mut self) {
        if self.world.is_dark {
            self.boot();
            return;
        }
        let stop = match self.turn {
            Turn::Drive(side) => self.drive(side),
            Turn::Resume => self.resume(Moment::Up),
            Turn::Over(_) => return,
        };
        self.turn = self.after(stop);
    }

    /// Lets all commands run that come. Returns the host as it was before each of them, and after the last.
    pub(crate) fn between_commands(mut self) -> Vec<Self> {
        let mut hosts = vec![self.clone()];
        for _ in 0..STEPS_MAX {
            if self.is_over() {
                break;
            }
            self.step();
            hosts.push(self.clone());
        }
        hosts
    }

    /// Lets all commands run that come.
    fn run(&mut self) {
        for _ in 0..STEPS_MAX {
            if self.is_over() {
                break;
            }
            self.step();
        }
        if self.world.watch == Watch::Clients && self.world.services.is_none() {
            // Nothing is declared any more, and so the next command starts what it finds.
            self.world.start_services();
        }
    }

    /// Lets all commands run that come, and looks.
    pub(crate) fn run_and_look(&mut self) {
        self.run();
        self.assert_whole();
    }

    fn boot(&mut self) {
        self.world.power_on();
        if self.world.watch == Watch::Clients {
            // The first command after the boot.
            let stop = self.resume(Moment::Up);
            self.turn = self.after(stop);
            return;
        }
        // A strike may hit the judge too, even with darkness: then the host boots again.
        let judged = self.resume(Moment::BeforeServices);
        if self.world.is_dark {
            return;
        }
        self.world.start_services();
        self.turn = match judged {
            Ok(Stop::Ended(_, end @ (State::Committed | State::RolledBack { .. }))) => Turn::Over(Some(end)),
            Ok(Stop::Idle) => Turn::Over(self.world.told.clone()),
            Ok(_) => Turn::Drive(self.world.keeper),
            Err(_) => Turn::Resume,
        };
    }

    fn after(&self, stop: Result<Stop, DriveError>) -> Turn {
        match stop {
            Ok(Stop::Ended(_, State::Stuck { .. }) | Stop::Unfinished(..))
            | Err(DriveError::Ending | DriveError::Journal { .. }) => Turn::Resume,
            Ok(Stop::Ended(_, end)) => Turn::Over(Some(end)),
            Ok(Stop::Idle) => Turn::Over(self.world.told.clone()),
            Ok(Stop::HandOver(_, Side::New)) if self.world.quality == Quality::HasABrokenDriver => {
                Turn::Resume
            }
            Ok(Stop::HandOver(_, side)) => Turn::Drive(side),
            Ok(Stop::Later) => panic!("something waits for services that run"),
            Err(error) => panic!("{error:?}"),
        }
    }

    /// Has a release's driver drive.
    fn drive(&mut self, me: Side) -> Result<Stop, DriveError> {
        self.world.begin_command(me);
        let stop = drive::drive(&mut self.world, me, Moment::Up);
        self.world.end_command();
        stop
    }

    /// Has the old release take an update up.
    fn resume(&mut self, moment: Moment) -> Result<Stop, DriveError> {
        self.world.begin_command(Side::Old);
        let stop = drive::resume(&mut self.world, moment);
        self.world.end_command();
        stop
    }

    /// What holds after every update, however it went.
    fn assert_whole(&self) {
        let world = &self.world;
        let end = match &self.turn {
            Turn::Over(Some(end)) if !world.is_dark => end,
            Turn::Over(None) if world.is_as_before() => panic!("nobody knows that it was declared"),
            turn => panic!("nobody brings it to an end: {turn:?}"),
        };
        let kept = match end {
            State::Committed => Side::New,
            State::RolledBack { .. } => Side::Old,
            other => panic!("{other:?} is no end to leave a host in"),
        };
        let found = (world.current, world.services, world.recorded, world.keeper);
        assert_eq!(found, (kept, Some(kept), kept, kept), "the installation is mixed");
        assert!(kept == Side::New || world.database_is_readable, "the database is lost");
        assert!(world.journal.is_empty(), "the journal is left");
        assert!(!world.holds, "changes are held for ever");
        assert!(world.has_its_machines(), "machines were lost");
        assert!(kept == Side::Old || world.quality.is_good(), "a bad release is kept");
    }
}
