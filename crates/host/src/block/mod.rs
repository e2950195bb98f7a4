//! Block devices that are made of files: loop devices, and maps of the device mapper over them.

pub mod loops;
pub mod maps;
