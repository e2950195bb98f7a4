//! Sessions through a real link and a real agent, without a guest's kernel.

mod exec;
mod link;
mod world;
