//! The agent in each guest, and the link on the host: one static binary.
//!
//! | started as | it is                                                                              |
//! |------------|------------------------------------------------------------------------------------|
//! | pid 1      | the initramfs's `/init`: finds the disks, starts the agent, hands over to the image |
//! | `serve`    | the agent's supervisor                                                             |
//! | `work`     | the agent itself                                                                   |
//! | `link`     | the machine's link, on the host                                                    |

mod init;
mod link;
mod mux;
mod power;
mod relay;
mod serve;
mod words;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    match args.next().as_deref() {
        Some("link") => link::run(args),
        Some("serve") => serve::supervise(args),
        Some("work") => serve::work(args),
        Some("--version") => {
            println!("banger-vsock-agent {}", model::RELEASE.trim_start_matches('v'));
            ExitCode::SUCCESS
        }
        _ if std::process::id() == 1 => init::run(),
        _ => {
            eprintln!("banger-vsock-agent: this program runs in a guest or beside it, and is not for people");
            ExitCode::from(2)
        }
    }
}
