//! `banger vm logs`.

use api::client::ClientError;

use super::many::Machine;
use crate::{
    daemon::Context,
    exit,
    fault::{Doing as _, Explain as _, Fault},
    screen::{Reader, print},
};

/// Print a machine's console: what its kernel and its init said
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  banger vm logs box\n  banger vm logs -f box")]
pub(crate) struct Logs {
    #[command(flatten)]
    machine: Machine,
    /// Go on until the machine ends
    #[arg(short, long)]
    follow: bool,
}

/// How often a daemon that goes away in the middle is started again.
const RESTARTS_MAX: u32 = 10;

impl Logs {
    pub(crate) async fn run(&self, context: &Context) -> Result<u8, Fault> {
        let doing = format!("read the console of {}", self.machine.machine);
        let client = context.daemon(&doing).await?;
        let vm = context.vm(&client, &self.machine.machine, &doing).await?;
        let mut shown = 0;
        for _ in 0..RESTARTS_MAX {
            let mut stream = client.vm_logs(vm.id.as_str(), self.follow).await.doing(&doing)?;
            // What was shown before the daemon went away is not shown again.
            let mut skip = shown;
            loop {
                match stream.next().await {
                    Ok(Some(bytes)) => {
                        let fresh = &bytes[skip.min(bytes.len())..];
                        skip -= skip.min(bytes.len());
                        shown += fresh.len();
                        if print(fresh) == Reader::Gone {
                            return Ok(exit::DONE);
                        }
                    }
                    Ok(None) => return Ok(exit::DONE),
                    Err(ClientError::Lost { .. }) => break,
                    Err(error) => return Err(error.explain(&doing)),
                }
            }
            context.daemon_again(&client, &doing).await?;
        }
        Err(Fault::new(model::Class::Unreachable, format!("{doing}: the daemon went away again and again")))
    }
}
