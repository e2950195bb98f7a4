//! The sweep: one strike, and two.

use update::declaration::Side;

use crate::{
    host::Host,
    sabotage::Sabotage,
    strike::{Kind, Strike},
    tally::Tally,
    world::{Quality, Watch, World},
};

/// More operations than any update has.
const OPS_MAX: u32 = 400;

/// Every kind of host with these kinds of release.
pub(crate) fn worlds(qualities: &[Quality]) -> impl Iterator<Item = (Quality, Watch)> {
    qualities.iter().flat_map(|quality| Watch::ALL.map(|watch| (*quality, watch)))
}

/// Strikes at one operation after the other, from `first` on, until there is none to be struck. Returns that one.
pub(crate) fn until_none_is_struck(first: u32, mut strike: impl FnMut(u32) -> bool) -> u32 {
    (first..OPS_MAX).find(|at| !strike(*at)).unwrap_or_else(|| panic!("more than {OPS_MAX} operations"))
}

/// Strikes once, at every operation of every update.
pub(crate) fn strike_once(sabotage: Option<Sabotage>) -> Tally {
    let mut tally = Tally::default();
    for (quality, watch) in worlds(&Quality::ALL) {
        for kind in Kind::ALL {
            let points = until_none_is_struck(0, |at| {
                let world = World::declared(quality, watch, sabotage).with(Strike::once(at, kind));
                tally.look(&mut Host::new(world), 1, Host::run_and_look)
            });
            assert!(sabotage.is_some() || points >= 12, "{quality:?}, {watch:?}, {kind:?}: {points} points");
        }
    }
    tally
}

/// Strikes twice, at any two operations of every update.
pub(crate) fn strike_twice(qualities: &[Quality], watch: Watch, sabotage: Option<Sabotage>) -> Tally {
    let mut tally = Tally::default();
    for quality in qualities {
        for one in Kind::ALL {
            until_none_is_struck(0, |first| {
                let world = World::declared(*quality, watch, sabotage).with(Strike::once(first, one));
                let hosts = Host::new(world).between_commands();
                for two in Kind::ALL {
                    until_none_is_struck(first + 1, |second| {
                        // Up to the second strike it is what it was with another second one.
                        let before = hosts.iter().rfind(|host| host.world.ops <= second);
                        let mut host = before.unwrap().clone();
                        host.world = host.world.with(Strike::once(second, two));
                        tally.look(&mut host, 2, Host::run_and_look)
                    });
                }
                hosts.iter().any(|host| host.world.struck > 0)
            });
        }
    }
    tally
}

#[test]
fn an_update_that_nothing_strikes() {
    for (quality, watch) in worlds(&Quality::ALL) {
        let mut host = Host::new(World::declared(quality, watch, None));
        host.run_and_look();
        assert_eq!(host.world.current == Side::New, quality.is_good(), "{quality:?}, {watch:?}");
    }
}

#[test]
fn a_strike_at_any_operation_leaves_one_whole_release() {
    strike_once(None).assert_none_broken("one strike");
}

#[test]
fn any_two_strikes_leave_one_whole_release_of_systemds() {
    strike_twice(&Quality::ALL, Watch::Systemd, None).assert_none_broken("two strikes, systemd");
}

#[test]
fn any_two_strikes_leave_one_whole_release_of_a_user() {
    strike_twice(&Quality::ALL, Watch::Clients, None).assert_none_broken("two strikes, a user's own");
}
