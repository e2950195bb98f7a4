//! The sweep: one strike, two, and one that never ends.

use update::{
    declaration::Side,
    drive::{self, DriveError, Stop},
    port::Moment,
    state::State,
};

use crate::world::{Kind, Quality, Strike, Watch, World};

/// More operations than any update has.
const OPS_MAX: u32 = 200;

/// Has a release's driver drive.
fn drive(world: &mut World, me: Side, moment: Moment) -> Result<Stop, DriveError> {
    world.driver = me;
    drive::drive(world, me, moment)
}

/// Has the old release take an update up.
fn resume(world: &mut World, moment: Moment) -> Result<Stop, DriveError> {
    world.driver = Side::Old;
    drive::resume(world, moment)
}

/// What a real host does around the driver: the old one begins, hands over to the new one, and the keeper takes
/// up what ended too early; a boot judges before the services and carries on after them.
fn run_through(world: &mut World) -> Option<State> {
    let mut turn = drive(world, Side::Old, Moment::Up);
    for _ in 0..40 {
        if world.is_dark && world.watch == Watch::Clients {
            world.power_on();
            // The first command after the boot.
            turn = resume(world, Moment::Up);
            continue;
        }
        if world.is_dark {
            world.power_on();
            // A strike may hit the judge too, even with darkness: then the host boots again.
            let judged = resume(world, Moment::BeforeServices);
            if world.is_dark {
                continue;
            }
            world.start_services();
            if world.is_dark {
                continue;
            }
            turn = match judged {
                Ok(Stop::Ended(_, end @ (State::Committed | State::RolledBack { .. }))) => return Some(end),
                Ok(Stop::Idle) => return world.told.clone(),
                Ok(_) => drive(world, world.keeper, Moment::Up),
                Err(_) => resume(world, Moment::Up),
            };
            continue;
        }
        turn = match turn {
            Ok(Stop::Ended(_, State::Stuck { .. }) | Stop::Unfinished(..))
            | Err(DriveError::Ending | DriveError::Journal { .. }) => resume(world, Moment::Up),
            Ok(Stop::Ended(_, end)) => return Some(end),
            Ok(Stop::Idle) => return world.told.clone(),
            Ok(Stop::HandOver(_, Side::New)) if world.quality == Quality::HasABrokenDriver => {
                resume(world, Moment::Up)
            }
            Ok(Stop::HandOver(_, side)) => drive(world, side, Moment::Up),
            Ok(Stop::Later) => panic!("something waits for services that run"),
            Err(error) => panic!("{error:?}"),
        };
    }
    None
}

/// What holds after every update, however it went.
fn assert_whole(world: &World, end: Option<&State>, what: &str) {
    let kept = match end {
        Some(State::Committed) => Side::New,
        Some(State::RolledBack { .. }) => Side::Old,
        other => panic!("{what}: {other:?} is no end to leave a host in"),
    };
    let found = (world.current, world.services, world.recorded, world.keeper);
    assert_eq!(found, (kept, Some(kept), kept, kept), "{what}: {world:?}");
    assert!(world.database_is_readable, "{what}: the database is lost");
    assert!(world.journal.is_empty(), "{what}: the journal is left");
    assert!(!world.holds, "{what}: changes are held for ever");
    assert!(world.machines || world.boots > 0, "{what}: machines were lost");
    if world.quality != Quality::Good {
        assert_eq!(kept, Side::Old, "{what}: a bad release is kept");
    }
}

fn struck(quality: Quality, watch: Watch, strikes: &[Strike]) -> (World, Option<State>) {
    let declared = World::declared(quality, watch);
    let mut world = strikes.iter().fold(declared, |world, strike| world.with(*strike));
    let end = run_through(&mut world);
    if watch == Watch::Clients && world.services.is_none() {
        // Nothing is declared any more, and so the next command starts what it finds.
        world.start_services();
    }
    (world, end)
}

/// Every kind of host with every kind of release.
fn worlds() -> impl Iterator<Item = (Quality, Watch)> {
    Quality::ALL.into_iter().flat_map(|quality| Watch::ALL.map(|watch| (quality, watch)))
}

#[test]
fn an_update_that_nothing_strikes() {
    for (quality, watch) in worlds() {
        let (world, end) = struck(quality, watch, &[]);
        assert_whole(&world, end.as_ref(), &format!("{quality:?}, {watch:?}"));
        assert_eq!(world.current == Side::New, quality == Quality::Good);
    }
}

#[test]
fn a_strike_at_any_operation_leaves_one_whole_release() {
    for (quality, watch) in worlds() {
        for kind in Kind::ALL {
            let mut points = 0;
            for at in 0..OPS_MAX {
                let (world, end) = struck(quality, watch, &[Strike { at, kind }]);
                if world.struck == 0 {
                    break;
                }
                points += 1;
                assert_whole(&world, end.as_ref(), &format!("{quality:?}, {watch:?}, {kind:?} at {at}"));
            }
            assert!((12..OPS_MAX).contains(&points), "{quality:?}, {watch:?}, {kind:?}: {points} points");
        }
    }
}

#[test]
fn any_two_strikes_leave_one_whole_release_of_systemds() {
    strike_twice(Watch::Systemd);
}

#[test]
fn any_two_strikes_leave_one_whole_release_of_a_user() {
    strike_twice(Watch::Clients);
}

fn strike_twice(watch: Watch) {
    for quality in Quality::ALL {
        for (one, two) in Kind::ALL.into_iter().flat_map(|one| Kind::ALL.map(|two| (one, two))) {
            for first in 0..40 {
                for second in first + 1..60 {
                    let strikes = [Strike { at: first, kind: one }, Strike { at: second, kind: two }];
                    let (world, end) = struck(quality, watch, &strikes);
                    if world.struck < 2 {
                        break;
                    }
                    assert_whole(&world, end.as_ref(), &format!("{quality:?}, {watch:?}, {strikes:?}"));
                }
            }
        }
    }
}
