//! The driver, and what takes up an update after one.

use tokio::runtime::Handle;
use update::port::Moment;
use updater::driver::{self, Ending};

use super::step::{found, need_rights, places};
use crate::{daemon::Context, exit, fault::Fault};

pub(super) async fn drive(_context: &Context) -> Result<u8, Fault> {
    need_rights(&places("drive")?, "drive an update", "update --resume")?;
    let runtime = Handle::current();
    found(move || driver::drive(runtime)).await?;
    Ok(exit::DONE)
}

pub(super) async fn resume(context: &Context, before_services: bool) -> Result<u8, Fault> {
    need_rights(&places("resume")?, "resume an update", "update --resume")?;
    let runtime = Handle::current();
    let moment = if before_services { Moment::BeforeServices } else { Moment::Up };
    let ending = found(move || driver::resume(runtime, moment)).await?;
    context.screen.note(match ending {
        Ending::Idle => "there is no update to resume",
        Ending::Over => "the update is over; `banger version` says what is installed",
        Ending::Later => "the rest is done once the services are up",
    });
    Ok(exit::DONE)
}
