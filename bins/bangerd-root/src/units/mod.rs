//! The two units of a machine: its link's and its monitor's.

mod name;
mod port;
mod systemd;

pub use name::{Part, machine_of, unit_name};
pub use port::{Standing, UnitPlan, Units, UnitsError};
pub use systemd::SystemdUnits;
