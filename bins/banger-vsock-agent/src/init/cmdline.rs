//! What the host says on the kernel's command line.

/// Where the disks are, and what to do.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Cmdline {
    /// The root's device.
    pub(super) root: Option<String>,
    /// The home's device.
    pub(super) home: Option<String>,
    /// The device with the kernel's modules.
    pub(super) modules: Option<String>,
    /// Only say that the kernel came this far, and power off.
    pub(super) is_probe: bool,
}

impl Cmdline {
    /// Reads `/proc/cmdline`; of what is said twice the last counts, as with the kernel.
    pub(super) fn parse(text: &str) -> Self {
        let mut cmdline = Self::default();
        for word in text.split_whitespace() {
            match word.split_once('=').unwrap_or((word, "")) {
                ("banger.root", device) => cmdline.root = Some(device.to_owned()),
                ("banger.home", device) => cmdline.home = Some(device.to_owned()),
                ("banger.modules", device) => cmdline.modules = Some(device.to_owned()),
                ("banger.probe", _) => cmdline.is_probe = true,
                _ => {}
            }
        }
        cmdline
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_words_are_found_among_the_kernels() {
        let some = |text: &str| Some(text.to_owned());
        for (text, root, home, is_probe) in [
            (
                "console=ttyS0 banger.root=/dev/vda quiet banger.home=/dev/vdb\n",
                some("/dev/vda"),
                some("/dev/vdb"),
                false,
            ),
            ("banger.root=/dev/vda banger.root=/dev/vdc", some("/dev/vdc"), None, false),
            ("banger.probe", None, None, true),
            ("xbanger.root=/dev/vda banger.rootless", None, None, false),
            ("", None, None, false),
        ] {
            let cmdline = Cmdline { root, home, modules: None, is_probe };
            assert_eq!(Cmdline::parse(text), cmdline, "{text:?}");
        }
    }
}
