//! The sweeps are shown faults, and turn red.

use crate::{
    host::Host,
    lasting::strike_for_long,
    sabotage::Sabotage,
    strike::Reach,
    sweep::{strike_once, strike_twice},
    world::{Quality, Watch, World},
};

/// Faults, and what is said where they show.
const FAULTS: [(Sabotage, &str); 6] = [
    (Sabotage::DeclaresLate, "nobody brings it to an end"),
    (Sabotage::LosesTheJournal, "nobody brings it to an end"),
    (Sabotage::RecordsLate, "what clients changed is lost"),
    (Sabotage::LosesEvents, "what clients changed is lost"),
    (Sabotage::LosesTheLink, "the installation is mixed"),
    (Sabotage::TakesMachinesDown, "machines were lost"),
];

#[test]
fn a_fault_turns_the_sweep_red() {
    for (sabotage, says) in FAULTS {
        for watch in Watch::ALL {
            // It is the strikes that show it.
            Host::new(World::declared(Quality::Good, watch, Some(sabotage))).run_and_look();
        }
        strike_once(Some(sabotage)).assert_says(says, &format!("{sabotage:?}, one strike"));
    }
}

#[test]
fn a_fault_turns_each_strike_that_lasts_red() {
    let (sabotage, says) = (Sabotage::LosesTheLink, "the installation is mixed");
    for reach in Reach::LASTING {
        let long = strike_for_long(&[Quality::Good], reach, Some(sabotage));
        long.assert_says(says, &format!("{sabotage:?}, a strike that lasts, {reach:?}"));
    }
}

#[test]
fn a_fault_that_one_strike_does_not_show_turns_the_others_red() {
    let (sabotage, says) = (Sabotage::StopsStarting, "nobody brings it to an end");
    strike_once(Some(sabotage)).assert_none_broken("StopsStarting, one strike");
    let twice = strike_twice(&[Quality::DoesNotStart], Watch::Systemd, Some(sabotage));
    twice.assert_says(says, "StopsStarting, two strikes");
    for reach in [Reach::Alike, Reach::OfEachCommand] {
        let long = strike_for_long(&[Quality::DoesNotStart], reach, Some(sabotage));
        long.assert_says(says, &format!("StopsStarting, a strike that lasts, {reach:?}"));
    }
}
