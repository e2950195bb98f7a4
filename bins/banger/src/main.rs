//! The command-line tool.

mod commands;
mod copy;
mod daemon;
mod exit;
mod fault;
mod follow;
mod interrupt;
mod screen;
mod session;
mod text;
mod top;

fn main() {
    clap_complete::CompleteEnv::with_factory(top::offered).bin("banger").complete();
    let code = top::main();
    // Threads may still wait for a stdin that nobody closes.
    std::process::exit(code.into());
}
