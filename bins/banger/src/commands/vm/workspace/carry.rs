//! A repository into a guest: beside the place where it will lie, then into it. Nothing half copied is ever there.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use api::{
    Vm,
    client::{Client, ClientError},
};
use guest::client::Connection;
use model::{Class, Copied};
use tokio::time::{interval, timeout};
use workspace::{GuestGit, Plan, Sent, script};

use super::{GuestPath, scripts, source::Source, stage::Stage};
use crate::{
    copy::{pack, upload},
    daemon::Context,
    fault::{Doing as _, Explain as _, Fault},
    follow::{Line, Progress},
    interrupt::Interrupts,
    text::{bytes, count, elapsed},
};

/// How often progress is shown.
const TICK: Duration = Duration::from_millis(100);
/// How long a signal may take from the kernel to here.
const HEARD_LIMIT: Duration = Duration::from_millis(200);
/// How often the daemon is told of a copy where it ends in the middle.
const TELLS_MAX: u32 = 3;

/// A repository on its way into a machine.
#[derive(Debug)]
pub(super) struct Carry<'a> {
    pub(super) context: &'a Context,
    pub(super) client: &'a Client,
    pub(super) vm: &'a Vm,
    pub(super) plan: Arc<Plan>,
    pub(super) source: &'a Source,
    pub(super) guest_path: GuestPath,
    /// Whether what the guest changed may be lost.
    pub(super) overwrite: bool,
    pub(super) doing: &'a str,
}

impl Carry<'_> {
    /// Copies it, and records it.
    pub(super) async fn carry(&self, interrupts: &mut Interrupts) -> Result<Vm, Fault> {
        let began = Instant::now();
        let guest = Connection::in_dir(&self.vm.link_dir);
        let is_new = self.look(&guest).await?;
        let stage = Stage::make(&guest, &self.guest_path, self.doing).await?;
        let copied = self.copy(&guest, stage.path(), interrupts).await;
        let landed = match copied {
            Ok(sent) => self.land(&guest, stage.path(), is_new).await.map(|vm| (vm, sent)),
            Err(fault) => Err(fault),
        };
        match landed {
            Ok((vm, sent)) => {
                let (files, size) = (count(sent.files(), "file", "files"), bytes(sent.bytes()));
                let place = format!("{} at {}", self.plan.repository().top().display(), self.guest_path);
                self.context
                    .screen
                    .note(&format!("workspace: {place}, {files}, {size} in {}", elapsed(began.elapsed())));
                Ok(vm)
            }
            Err(fault) => {
                stage.discard(self.doing).await;
                Err(fault)
            }
        }
    }

    /// Looks at the place; returns whether nothing is there yet.
    async fn look(&self, guest: &Connection) -> Result<bool, Fault> {
        let (path, name) = (&self.guest_path, &self.vm.name);
        if self.source.readonly && scripts::ask(guest, script::HAS_MOUNT, &[], self.doing).await?.code != 0 {
            let why = format!("{}: the image has no `mount`, which --readonly takes", self.doing);
            return Err(
                Fault::new(Class::Failed, why).hint("Install it in the image, or leave out --readonly.")
            );
        }
        let refuse = |why: String, hint: String| {
            Err(Fault::new(Class::Refused, format!("{}: {why}", self.doing)).hint(hint))
        };
        match &*scripts::run(guest, script::LOOK, &[path.as_str()], self.doing).await? {
            "absent" | "empty" => Ok(true),
            "copy" | "unfinished" => Ok(false),
            "changed" if self.overwrite => Ok(false),
            "changed" => refuse(
                format!("the guest's work in {path} would be lost"),
                format!(
                    "`banger vm workspace export {name}` gets it; `banger vm workspace prepare --overwrite` \
                    drops it."
                ),
            ),
            _ => refuse(
                format!("{path} is there already, and no copy of a repository"),
                "Give another --guest-path, or move it away.".to_owned(),
            ),
        }
    }

    /// Sends files and repository beside the place.
    async fn copy(
        &self,
        guest: &Connection,
        stage: &str,
        interrupts: &mut Interrupts,
    ) -> Result<Sent, Fault> {
        let progress = Progress::new(self.context.screen);
        let mut line = progress.line("");
        for note in self.plan.notes() {
            line.say(note);
        }
        line.begin_stage("copying the repository");
        let done = Arc::new(AtomicU64::new(0));
        let (plan, readonly, count) = (Arc::clone(&self.plan), self.source.readonly, Arc::clone(&done));
        let files = upload(guest, stage, move |to| {
            plan.send(to, readonly, &|bytes| {
                count.fetch_add(bytes, Ordering::Relaxed);
            })
        });
        let sent = tokio::select! {
            sent = files => sent.doing(self.doing)?,
            signal = interrupts.next() => return Err(self.cancelled(signal)),
            never = show(&mut line, &done, self.plan.bytes()) => never,
        };
        line.begin_stage("copying its history");
        let (git, sent) = self.build(sent, interrupts).await?;
        let git_path = git.path();
        let place = format!("{stage}/.git");
        let history = upload(guest, &place, move |to| pack(&git_path, None, to));
        tokio::select! {
            packed = history => packed.doing(self.doing).map(|_| sent),
            signal = interrupts.next() => Err(self.cancelled(signal)),
        }
    }

    /// Builds the guest's repository. It is not left half way: it has files here that it takes away itself.
    async fn build(&self, sent: Sent, interrupts: &mut Interrupts) -> Result<(GuestGit, Sent), Fault> {
        let plan = Arc::clone(&self.plan);
        let built = tokio::task::spawn_blocking(move || GuestGit::build(&plan, &sent).map(|git| (git, sent)));
        match built.await {
            Ok(Ok(built)) => Ok(built),
            // A Ctrl-C at a terminal ends git as well, which may be heard of first.
            Ok(Err(error)) => match timeout(HEARD_LIMIT, interrupts.next()).await {
                Ok(signal) => Err(self.cancelled(signal)),
                Err(_) => Err(error.explain(self.doing)),
            },
            Err(error) => Err(Fault::new(Class::Bug, format!("{}: {error}", self.doing))),
        }
    }

    fn cancelled(&self, signal: i32) -> Fault {
        Fault::signal(signal, format!("{}: cancelled", self.doing))
    }

    /// Puts the copy in its place, and records it. While that lasts, no copy is recorded.
    async fn land(&self, guest: &Connection, stage: &str, is_new: bool) -> Result<Vm, Fault> {
        let (path, doing) = (self.guest_path.as_str(), self.doing);
        if is_new {
            scripts::run(guest, script::LAND, &[path, stage], doing).await?;
        } else {
            // The last for which there may be no room: nothing of the copy before has gone yet, nor its record.
            scripts::run(guest, script::RESERVE, &[stage], doing).await?;
            self.tell(None).await?;
            scripts::run(guest, script::UPDATE, &[path, stage], doing).await?;
        }
        if self.source.readonly {
            scripts::run(guest, script::PROTECT, &[path], doing).await?;
        }
        self.tell(Some(&self.record())).await
    }

    /// Has the daemon record what is in the machine. It may have come and gone while the copy needed none.
    async fn tell(&self, workspace: Option<&api::Workspace>) -> Result<Vm, Fault> {
        let vm = self.vm.id.as_str();
        for _ in 0..TELLS_MAX {
            self.context.daemon_again(self.client, self.doing).await?;
            let told = match workspace {
                Some(workspace) => self.client.vm_workspace(vm, workspace).await,
                None => self.client.vm_no_workspace(vm).await,
            };
            match told {
                Err(ClientError::Unreachable { .. }) => {}
                told => return told.doing(self.doing),
            }
        }
        let why = format!("{}: the daemon ends again and again", self.doing);
        Err(Fault::new(Class::Failed, why)
            .hint("`banger vm workspace prepare` records the copy that is there."))
    }

    fn record(&self) -> api::Workspace {
        let (plan, source) = (&self.plan, self.source);
        api::Workspace {
            host_path: plan.repository().top().to_owned(),
            guest_path: self.guest_path.to_string(),
            commit: plan.commit().to_owned(),
            copied: Copied {
                include_untracked: source.include_untracked,
                full_copy: source.full_copy,
                readonly: source.readonly,
                branch: source.branch.clone(),
                from: source.from.clone(),
                tool_file: plan.tool_file().map(str::to_owned),
                mark: plan.mark().map(str::to_owned),
            },
        }
    }
}

/// Shows how far the copy is, for ever.
async fn show<T>(line: &mut Line, done: &AtomicU64, total: u64) -> T {
    let mut ticks = interval(TICK);
    loop {
        ticks.tick().await;
        line.advance(done.load(Ordering::Relaxed), (total > 0).then_some(total), "bytes");
    }
}
