//! Whether an init would hear a signal: one that it neither catches nor waits for is lost, since the kernel
//! spares pid 1 the default (signal(7), `pid_namespaces(7)`).

/// Whether a process with this `/proc/<pid>/status` catches the signal, or blocks it, to take it from a
/// signalfd or with sigwait.
///
/// systemd blocks what it takes as one of the first things that it does; before, and in an init that knows
/// nothing of the signal, both sets lack it.
pub(super) fn is_heard(status: &str, signal: i32) -> bool {
    let Some(bit) = signal.checked_sub(1).and_then(|bit| 1_u64.checked_shl(bit.try_into().ok()?)) else {
        return false;
    };
    status
        .lines()
        .filter_map(|line| line.strip_prefix("SigBlk:").or_else(|| line.strip_prefix("SigCgt:")))
        .filter_map(|set| u64::from_str_radix(set.trim(), 16).ok())
        .any(|set| set & bit != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_heard_where_it_is_caught_or_blocked() {
        // As seen: systemd 252 at its work, and the same while it is being loaded.
        let systemd = "Name:\tsystemd\nSigPnd:\t0000000000000000\nShdPnd:\t0000000000000000\n\
                       SigBlk:\t7fe3c0fe28014a03\nSigIgn:\t0000000000001000\nSigCgt:\t00000000000004ec\n";
        let loading = "SigBlk:\t0000000000000000\nSigIgn:\t0000000000001000\nSigCgt:\t00000000000004ec\n";
        let busybox = "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\nSigCgt:\t0000000000000a01\n";
        for (status, signal, heard) in [
            (systemd, 38, true),
            (systemd, 4, true),
            (systemd, 13, false),
            (loading, 38, false),
            (loading, 12, false),
            (busybox, 12, true),
            (busybox, 38, false),
            (systemd, 0, false),
            (systemd, 65, false),
            ("", 38, false),
            ("SigBlk:\tno number\n", 38, false),
        ] {
            assert_eq!(is_heard(status, signal), heard, "{signal} in {status:?}");
        }
    }
}
