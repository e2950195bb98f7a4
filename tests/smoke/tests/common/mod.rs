//! Scenarios that every host can hold that has machines. Each is given a host; where one wants a machine, it is
//! called `box`, runs before it, and runs after it unless it says otherwise.

pub(crate) mod by_name;
pub(crate) mod ctrl_c;
pub(crate) mod files;
pub(crate) mod guest;
pub(crate) mod here;
pub(crate) mod images;
pub(crate) mod life;
pub(crate) mod reach;
pub(crate) mod runs;
pub(crate) mod shell;
pub(crate) mod ssh;
pub(crate) mod ticks;
pub(crate) mod tool;
pub(crate) mod workspaces;

pub(crate) use guest::on_one_guest;
