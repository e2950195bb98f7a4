//! What a machine's units are called.

use model::VmId;

/// One of a machine's two units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The monitor's.
    Monitor,
    /// The link's.
    Link,
}

impl Part {
    /// Both, in the order in which they are started.
    pub const BOTH: [Self; 2] = [Self::Link, Self::Monitor];

    /// Its word in the unit's name.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Monitor => "vm",
            Self::Link => "link",
        }
    }

    /// What it is, for people.
    #[must_use]
    pub fn what(self) -> &'static str {
        match self {
            Self::Monitor => "monitor",
            Self::Link => "link",
        }
    }
}

/// The name of a machine's unit: `banger-vm-<id>.service`, `banger-link-<id>.service`.
#[must_use]
pub fn unit_name(part: Part, id: &VmId) -> String {
    format!("banger-{}-{id}.service", part.word())
}

/// The machine whose unit has this name; `None` if it is no machine's.
#[must_use]
pub fn machine_of(unit: &str) -> Option<VmId> {
    let name = unit.strip_suffix(".service")?;
    let id = Part::BOTH
        .into_iter()
        .find_map(|part| name.strip_prefix("banger-")?.strip_prefix(part.word())?.strip_prefix('-'))?;
    id.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_units_name_tells_its_machine_and_others_tell_none() {
        let id: VmId = "000102fdfeff".parse().unwrap();
        for part in Part::BOTH {
            assert_eq!(machine_of(&unit_name(part, &id)), Some(id.clone()));
        }
        for name in [
            "bangerd-root.service",
            "banger-vm-x.service",
            "banger-vm-000102fdfeff",
            "banger-000102fdfeff.service",
        ] {
            assert_eq!(machine_of(name), None, "{name}");
        }
    }
}
