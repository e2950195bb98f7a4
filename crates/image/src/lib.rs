//! Images, kernels and initramfs: built, imported, kept by content.
