//! Root, home and modules disks of a machine.
