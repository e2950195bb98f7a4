//! Looks at many points, each of which may break. What broke is told once, at the end.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook},
    sync::Once,
};

use crate::host::Host;

/// What was looked at.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    struck: u32,
    broken: u32,
    /// What was said where something broke, and the first host of which it was said.
    said: BTreeMap<String, String>,
}

impl Tally {
    /// Looks at what becomes of a host. Returns whether it was struck `times`.
    pub(crate) fn look(&mut self, host: &mut Host, times: u32, look: impl FnOnce(&mut Host)) -> bool {
        if let Err(why) = caught(|| look(host)) {
            self.broken += 1;
            self.said.entry(why).or_insert_with(|| format!("{host:?}"));
        }
        let is_struck = host.world.struck >= times;
        self.struck += u32::from(is_struck);
        is_struck
    }

    /// Says how many there were, to whoever runs the tests with `--nocapture`.
    #[expect(clippy::disallowed_macros, reason = "a test may say what it saw")]
    pub(crate) fn tell(&self, what: &str) {
        println!("{what}: {} points struck, {} broken", self.struck, self.broken);
    }

    /// Tells, and fails where something broke.
    pub(crate) fn assert_none_broken(&self, what: &str) {
        self.tell(what);
        assert!(self.struck > 0, "{what}: nothing was struck");
        assert_eq!(self.broken, 0, "{what}: {:#?}", self.said);
    }

    /// Tells, and fails where nothing broke of which this is said.
    pub(crate) fn assert_says(&self, text: &str, what: &str) {
        self.tell(what);
        assert!(self.said.keys().any(|said| said.contains(text)), "{what}: nothing says {text:?}");
    }
}

thread_local! {
    static IS_LOOKING: Cell<bool> = const { Cell::new(false) };
    static WHY: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Has a panic say its text to whoever looks, and not to the person at the terminal: there may be thousands.
fn caught(look: impl FnOnce()) -> Result<(), String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let others = take_hook();
        set_hook(Box::new(move |info| {
            if IS_LOOKING.get() {
                WHY.set(info.to_string());
            } else {
                others(info);
            }
        }));
    });
    IS_LOOKING.set(true);
    let looked = catch_unwind(AssertUnwindSafe(look));
    IS_LOOKING.set(false);
    looked.map_err(|_| WHY.take())
}
