//! Sessions through a real link and a real agent, without a guest's kernel.

#[cfg(test)]
mod exec;
#[cfg(test)]
mod link;
#[cfg(test)]
mod vsock;
#[cfg(test)]
mod world;
