//! P14: how big the programs are.

use std::{fs, io, path::Path};

use super::Measured;

const MIB: u64 = 1024 * 1024;
const TOGETHER_BYTES_MAX: u64 = 40 * MIB;
const AGENT_BYTES_MAX: u64 = 4 * MIB;
const AGENT: &str = "banger-vsock-agent";
const PROGRAMS: [&str; 4] = ["banger", "bangerd", "bangerd-root", AGENT];

/// Weighs the programs in `dir`.
pub(crate) fn measure(dir: &Path) -> Measured {
    match PROGRAMS.map(|name| weigh(dir, name)).into_iter().collect::<Result<Vec<_>, _>>() {
        Ok(sizes) => judge(&sizes),
        Err(error) => Measured::Not(format!("{error}; run `make build` first")),
    }
}

fn weigh(dir: &Path, name: &'static str) -> io::Result<(&'static str, u64)> {
    let path = dir.join(name);
    let wrapped = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => io::Error::other(format!("{} is not there", path.display())),
        _ => io::Error::other(format!("{}: {error}", path.display())),
    };
    fs::metadata(&path).map(|file| (name, file.len())).map_err(wrapped)
}

fn judge(sizes: &[(&str, u64)]) -> Measured {
    let together: u64 = sizes.iter().map(|(_, bytes)| bytes).sum();
    let is_light = |(name, bytes): &(&str, u64)| *name != AGENT || *bytes <= AGENT_BYTES_MAX;
    let each: Vec<String> = sizes.iter().map(|(name, bytes)| format!("{name} {}", mib(*bytes))).collect();
    Measured::Figure {
        text: format!("{} ({})", mib(together), each.join(", ")),
        values: sizes.iter().map(|(name, bytes)| (format!("{name}_bytes"), *bytes)).collect(),
        kept: together <= TOGETHER_BYTES_MAX && sizes.iter().all(is_light),
    }
}

/// Mebibytes, to a tenth, upwards.
pub(super) fn mib(bytes: u64) -> String {
    let tenths = (bytes * 10).div_ceil(MIB);
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_together_and_the_agent_have_limits() {
        for (banger, agent, kept) in
            [(30 * MIB, 4 * MIB, true), (30 * MIB, 4 * MIB + 1, false), (37 * MIB, 4 * MIB, false)]
        {
            let judged = judge(&[("banger", banger), (AGENT, agent)]);
            assert!(matches!(judged, Measured::Figure { kept: found, .. } if found == kept), "{judged:?}");
        }
        assert_eq!(mib(MIB + 1), "1.1 MiB");
    }

    #[test]
    fn programs_that_were_not_built_are_not_measured() {
        let judged = measure(Path::new("/nonexistent"));
        assert!(matches!(&judged, Measured::Not(why) if why.contains("/nonexistent/banger")), "{judged:?}");
    }
}
