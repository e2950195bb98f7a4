//! Machine monitors: QEMU.
