//! The command line, as it is typed.

use clap::{Args, Parser, Subcommand};

use super::{
    completion, daemon, doctor, du, image, info, internal, kernel, ssh_config, system, update, version, vm,
};
use crate::screen::{Color, Detail, Screen};

/// Real Linux machines in one command.
#[derive(Debug, Parser)]
#[command(
    name = "banger",
    version = built::line(),
    disable_help_subcommand = true,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Examples:\n  \
        banger run                        a new machine, and a shell in it\n  \
        banger run --rm -- uname -a       one command in a machine of its own\n  \
        banger vm exec box -- make test   a command in a machine that runs\n\n\
        Exit codes: 0 done, 1 failed, 2 usage, 3 refused, 4 this host lacks something, 5 no daemon, 6 a bug;\n\
        `run -- CMD`, `vm exec` and `vm ssh` give the command's own, and 125 where banger itself failed."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command understands.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Globals {
    /// Print JSON, one object a line
    #[arg(long, global = true)]
    json: bool,
    /// Print data and errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Print what helping programs say as well
    #[arg(short, long, global = true)]
    verbose: bool,
    /// When to use colours
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value = "auto")]
    color: Color,
}

impl Globals {
    pub(crate) fn screen(self) -> Screen {
        let detail = match (self.quiet, self.verbose) {
            (true, _) => Detail::Quiet,
            (_, true) => Detail::Verbose,
            _ => Detail::Normal,
        };
        Screen::new(self.json, detail, self.color)
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Run(Box<vm::Run>),
    Ps(vm::List),
    /// Machines
    #[command(subcommand, subcommand_required = true, arg_required_else_help = true)]
    Vm(Box<vm::Vm>),
    /// Images: what machines begin as
    #[command(subcommand, subcommand_required = true, arg_required_else_help = true)]
    Image(image::Image),
    /// Kernels: what machines boot
    #[command(subcommand, subcommand_required = true, arg_required_else_help = true)]
    Kernel(kernel::Kernel),
    SshConfig(ssh_config::SshConfig),
    /// The system install: a service for one user of this host
    #[command(subcommand, subcommand_required = true, arg_required_else_help = true)]
    System(system::System),
    Update(Box<update::Update>),
    /// The daemon, which the other commands start by themselves
    #[command(subcommand, subcommand_required = true, arg_required_else_help = true)]
    Daemon(daemon::Daemon),
    Info(info::Info),
    Du(du::Du),
    Doctor(doctor::Doctor),
    Version(version::Version),
    Completion(completion::Completion),
    #[command(subcommand, hide = true)]
    Internal(internal::Internal),
}
