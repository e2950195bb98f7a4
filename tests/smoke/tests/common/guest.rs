//! One guest for many scenarios: a boot is the dearest part of each.

use smoke::Host;

/// A scenario with its name.
pub(crate) type Part<'a> = (&'a str, fn(&Host));

/// Runs scenarios on one machine that they share.
pub(crate) fn on_one_guest(host: &Host, scenarios: &[Part<'_>]) {
    host.start_small("box");
    for (name, scenario) in scenarios {
        host.also(name, || scenario(host));
    }
    host.delete("box");
}
