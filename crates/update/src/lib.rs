//! The updater, from the declaration on: a machine of states whose journal holds what happened to it.
//!
//! Before the declaration nothing of the installed system is changed, so there is nothing to undo. From the
//! declaration on a failure goes back, and an interruption either goes back or carries on; which, is one table.
//!
//! | module          | what it is                                                       |
//! |-----------------|------------------------------------------------------------------|
//! | [`declaration`] | what an update is about to do, and how the host was before       |
//! | [`census`]      | the machines before and after                                    |
//! | [`event`]       | what happened to an update                                       |
//! | [`state`]       | the states, and how events lead from one to the next             |
//! | [`journal`]     | the lines on disk: the state is their fold                       |
//! | [`port`]        | what a driver does to the world                                  |
//! | [`drive`]       | the loop: does, records, applies                                 |
//!
//! Two releases drive. The old one declares, switches and goes back; the new one restarts the services, tries
//! itself, and commits. So the release that is on trial is never the one that brings the host back, and a mistake in
//! an old driver does not outlive the switch.

pub mod census;
pub mod declaration;
pub mod drive;
pub mod event;
pub mod journal;
pub mod port;
pub mod state;
