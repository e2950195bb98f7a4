//! What is refused before anything is created, or undone when it fails half way.

mod calls;
mod files;
mod images;
mod kernels;
mod machines;
mod room;
mod table;
