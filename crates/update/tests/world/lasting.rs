//! A strike that lasts: for a while no attempt gets past it. Then the trouble ends.

use crate::{
    host::Host,
    sabotage::Sabotage,
    strike::{Kind, Reach, Strike},
    sweep::{until_none_is_struck, worlds},
    tally::Tally,
    world::{Quality, World},
};

/// For how many commands and boots the trouble lasts at most: for more than a new release has tries, so that it is seen to
/// run out of them.
const COMMANDS_MAX: u32 = 6;

/// Lets commands run while the trouble lasts. It could end after any of them: then the next command, or a boot, brings the
/// update to its end. Until then it may be stuck, and no machine is lost.
fn outlast(host: &mut Host) {
    for _ in 0..COMMANDS_MAX {
        host.step();
        assert!(host.world.has_its_machines(), "machines were lost while it lasted");
        let was_struck = host.world.struck > 0;
        for is_booted in [false, true].into_iter().filter(|_| was_struck) {
            let mut later = host.clone();
            later.world.end_trouble();
            later.world.is_dark |= is_booted;
            later.run_and_look();
        }
        if host.is_over() {
            break;
        }
    }
}

/// Strikes from every operation of every update on.
pub(crate) fn strike_for_long(qualities: &[Quality], reach: Reach, sabotage: Option<Sabotage>) -> Tally {
    let mut tally = Tally::default();
    for (quality, watch) in worlds(qualities) {
        for kind in Kind::ALL {
            until_none_is_struck(0, |at| {
                let world = World::declared(quality, watch, sabotage).with(Strike { at, kind, reach });
                tally.look(&mut Host::new(world), 1, outlast)
            });
        }
    }
    tally
}

#[test]
fn a_strike_that_lasts_leaves_what_can_be_taken_up() {
    for reach in Reach::LASTING {
        let tally = strike_for_long(&Quality::ALL, reach, None);
        tally.assert_none_broken(&format!("a strike that lasts, {reach:?}"));
    }
}
