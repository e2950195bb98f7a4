//! Which figures keep which promise.

use std::collections::BTreeMap;

use super::{
    Measured,
    figures::{Boots, Figures},
    size::mib,
};

const MIB: u64 = 1024 * 1024;

/// P6, in hundredths.
const STAGE_RATIO_MAX: u64 = 130;
/// P7, in microseconds.
const OWN_MICROS_MAX: u64 = 60_000;
/// P8, in hundredths.
const EXEC_RATIO_MAX: u64 = 200;
/// P9, in microseconds.
const LIST_MICROS_MAX: u64 = 10_000;
/// P10.
const IDLE_BYTES_MAX: u64 = 20 * MIB;
const FULL_BYTES_MAX: u64 = 30 * MIB;
/// P11, in microseconds.
const DISKS_MICROS_MAX: u64 = 15_000;
/// P12, in hundredths.
const COPY_RATIO_MAX: u64 = 150;

/// How much more one machine may cost in a long list than in a short one, as a factor: what is linear costs
/// the same, and times vary.
const SLOPE_FACTOR_MAX: u64 = 2;

/// How much longer the disks of the larger image may take, in hundredths, besides a millisecond.
const LARGER_RATIO_MAX: u64 = 125;

pub(super) fn boots(figures: &Figures) -> Measured {
    let Boots { tried, failed, begun_again, longest_micros } = figures.boots;
    figure(
        failed + begun_again == 0 && tried > 0,
        format!(
            "{failed} of {tried} failed, {begun_again} were begun again; the longest took {}",
            ms(longest_micros)
        ),
        &[
            ("tried", tried),
            ("failed", failed),
            ("begun_again", begun_again),
            ("longest_micros", longest_micros),
        ],
    )
}

pub(super) fn stage(figures: &Figures) -> Measured {
    let stage = &figures.stage;
    let found = ratio(stage.ours_micros, stage.by_hand_micros);
    figure(
        found <= STAGE_RATIO_MAX,
        format!(
            "{} ×: {} against {}, a tarball of {}",
            hundredths(found),
            ms(stage.ours_micros),
            ms(stage.by_hand_micros),
            mib(stage.tarball_bytes)
        ),
        &[
            ("ratio_hundredths", found),
            ("ours_micros", stage.ours_micros),
            ("by_hand_micros", stage.by_hand_micros),
            ("tarball_bytes", stage.tarball_bytes),
        ],
    )
}

pub(super) fn run(figures: &Figures) -> Measured {
    let run = &figures.run;
    figure(
        run.own_micros <= OWN_MICROS_MAX,
        format!(
            "{} of {}; the boot in it took {} × as long as one by hand ({})",
            ms(run.own_micros),
            ms(run.total_micros),
            hundredths(ratio(run.boot_micros, run.by_hand_micros)),
            ms(run.by_hand_micros)
        ),
        &[
            ("own_micros", run.own_micros),
            ("total_micros", run.total_micros),
            ("boot_micros", run.boot_micros),
            ("by_hand_micros", run.by_hand_micros),
        ],
    )
}

pub(super) fn exec(figures: &Figures) -> Measured {
    let exec = &figures.exec;
    let found = ratio(exec.exec_micros, exec.echo_micros + exec.spawn_micros);
    figure(
        found <= EXEC_RATIO_MAX,
        format!(
            "{} ×: {} against {} + {}",
            hundredths(found),
            ms(exec.exec_micros),
            ms(exec.echo_micros),
            ms(exec.spawn_micros)
        ),
        &[
            ("ratio_hundredths", found),
            ("exec_micros", exec.exec_micros),
            ("echo_micros", exec.echo_micros),
            ("spawn_micros", exec.spawn_micros),
        ],
    )
}

pub(super) fn list(figures: &Figures) -> Measured {
    let list = &figures.list;
    let at = |count: u16| of(&list.list_micros, count);
    // Nanoseconds that one machine more costs.
    let slope =
        |from: u16, to: u16| at(to).saturating_sub(at(from)) * 1000 / u64::from(to.abs_diff(from).max(1));
    let (short, long) = (slope(100, 1000), slope(1000, 2000));
    let is_linear = long <= SLOPE_FACTOR_MAX * short.max(1000);
    figure(
        at(1000) <= LIST_MICROS_MAX && is_linear,
        format!(
            "{}; with 100: {}, with 2000: {}; git --version: {}, banger --version: {}",
            ms(at(1000)),
            ms(at(100)),
            ms(at(2000)),
            ms(list.git_micros),
            ms(list.version_micros)
        ),
        &[
            ("list_100_micros", at(100)),
            ("list_1000_micros", at(1000)),
            ("list_2000_micros", at(2000)),
            ("git_micros", list.git_micros),
            ("version_micros", list.version_micros),
        ],
    )
}

pub(super) fn memory(figures: &Figures) -> Measured {
    let at = |count: u16| of(&figures.list.resident_bytes, count);
    figure(
        at(0) <= IDLE_BYTES_MAX && at(1000) <= FULL_BYTES_MAX,
        format!("{}, {}; with 2000: {}", mib(at(0)), mib(at(1000)), mib(at(2000))),
        &[("idle_bytes", at(0)), ("resident_1000_bytes", at(1000)), ("resident_2000_bytes", at(2000))],
    )
}

pub(super) fn disks(figures: &Figures) -> Measured {
    let disks = &figures.disks;
    let is_flat = disks.large_micros <= disks.small_micros * LARGER_RATIO_MAX / 100 + 1000;
    figure(
        disks.small_micros.max(disks.large_micros) <= DISKS_MICROS_MAX && is_flat,
        format!(
            "{} of an image of {}, {} of one of {}; qemu-img create by hand: {}",
            ms(disks.small_micros),
            mib(disks.small_bytes),
            ms(disks.large_micros),
            mib(disks.large_bytes),
            ms(disks.qemu_img_micros)
        ),
        &[
            ("small_micros", disks.small_micros),
            ("large_micros", disks.large_micros),
            ("qemu_img_micros", disks.qemu_img_micros),
        ],
    )
}

pub(super) fn copy(figures: &Figures) -> Measured {
    let copy = &figures.copy;
    let found = ratio(copy.prepare_micros, copy.archive_micros);
    figure(
        found <= COPY_RATIO_MAX,
        format!(
            "{} ×: {} against {}, {} files",
            hundredths(found),
            ms(copy.prepare_micros),
            ms(copy.archive_micros),
            copy.files
        ),
        &[
            ("ratio_hundredths", found),
            ("prepare_micros", copy.prepare_micros),
            ("archive_micros", copy.archive_micros),
            ("files", copy.files),
        ],
    )
}

fn figure(kept: bool, text: String, values: &[(&str, u64)]) -> Measured {
    let values: BTreeMap<_, _> = values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
    Measured::Figure { text, kept, values }
}

/// What was found for that number of machines; more than any promise allows where nothing was.
fn of(found: &[(u16, u64)], count: u16) -> u64 {
    found.iter().find(|(at, _)| *at == count).map_or(u64::from(u32::MAX), |(_, value)| *value)
}

/// In hundredths, upwards.
fn ratio(found: u64, against: u64) -> u64 {
    (found * 100).div_ceil(against.max(1))
}

fn hundredths(value: u64) -> String {
    format!("{}.{:02}", value / 100, value % 100)
}

/// Milliseconds, to a tenth, upwards.
fn ms(micros: u64) -> String {
    let tenths = micros.div_ceil(100);
    format!("{}.{} ms", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::{
        super::figures::{Copy, Disks, Exec, List, Run, Stage},
        *,
    };

    fn kept(measured: &Measured) -> bool {
        matches!(measured, Measured::Figure { kept: true, .. })
    }

    fn good() -> Figures {
        let boot = 3_000_000;
        Figures {
            run: Run { own_micros: 60_000, total_micros: 3_060_000, boot_micros: boot, by_hand_micros: boot },
            exec: Exec { exec_micros: 8000, echo_micros: 1000, spawn_micros: 3000 },
            list: List {
                list_micros: vec![(100, 3000), (1000, 9000), (2000, 16_000)],
                version_micros: 1000,
                git_micros: 1500,
                resident_bytes: vec![(0, 20 * MIB), (1000, 30 * MIB), (2000, 40 * MIB)],
            },
            disks: Disks { small_micros: 14_000, large_micros: 15_000, ..Disks::default() },
            copy: Copy { prepare_micros: 15_000_000, archive_micros: 10_000_000, files: 20_000 },
            stage: Stage { ours_micros: 1_300_000, by_hand_micros: 1_000_000, ..Stage::default() },
            boots: Boots { tried: 30, ..Boots::default() },
        }
    }

    #[test]
    fn each_promise_can_be_kept_and_broken() {
        type Case = (fn(&Figures) -> Measured, fn(&mut Figures));
        let cases: [Case; 12] = [
            (run, |figures| figures.run.own_micros += 1),
            (exec, |figures| figures.exec.exec_micros += 1),
            (list, |figures| figures.list.list_micros[1].1 = 10_001),
            (list, |figures| figures.list.list_micros[2].1 = 30_000),
            (memory, |figures| figures.list.resident_bytes[0].1 += 1),
            (memory, |figures| figures.list.resident_bytes.truncate(1)),
            (disks, |figures| figures.disks.small_micros = 8000),
            (copy, |figures| figures.copy.prepare_micros += 1_000),
            (stage, |figures| figures.stage.ours_micros += 1_000),
            (boots, |figures| figures.boots.failed += 1),
            (boots, |figures| figures.boots.begun_again += 1),
            (boots, |figures| figures.boots.tried = 0),
        ];
        for (index, (judge, spoil)) in cases.into_iter().enumerate() {
            let mut figures = good();
            assert!(kept(&judge(&figures)), "{index}: {:?}", judge(&figures));
            spoil(&mut figures);
            assert!(!kept(&judge(&figures)), "{index}: {:?}", judge(&figures));
        }
        assert_eq!((ms(1_040_001), hundredths(205)), ("1040.1 ms".to_owned(), "2.05".to_owned()));
    }
}
