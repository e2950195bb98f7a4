//! What supervisor and worker are started with.

use std::path::PathBuf;

/// `[--port PATH | --vsock PATH] [--init PATH]`.
#[derive(Clone, Debug, Default)]
pub(super) struct Args {
    /// The port; the virtio-serial port with our name where it is not given. A socket is connected to.
    pub(super) port: Option<PathBuf>,
    /// A unix socket that is listened on in place of the machine's vsock.
    pub(super) vsock: Option<PathBuf>,
    /// The image's init; none where the agent is pid 1.
    pub(super) init: Option<String>,
}

impl Args {
    pub(super) fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut parsed = Self::default();
        while let Some(name) = args.next() {
            let value = args.next().ok_or_else(|| format!("{name} wants a value"))?;
            match name.as_str() {
                "--port" => parsed.port = Some(value.into()),
                "--vsock" => parsed.vsock = Some(value.into()),
                "--init" => parsed.init = Some(value),
                _ => return Err(format!("{name} is no argument of the agent")),
            }
        }
        Ok(parsed)
    }
}
