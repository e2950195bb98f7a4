//! Debian packages: an `ar` of a control tar and a data tar (deb(5)).

use std::io::{self, Read};

use super::KernelError;
use crate::{
    decompress::{buffered, unpacked},
    fault::readable,
};

pub(super) const MAGIC: &[u8] = b"!<arch>\n";

const CONTROL_BYTES_MAX: u64 = 16 << 20;

/// What a package says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Control {
    pub(super) package: String,
    pub(super) version: String,
    pub(super) architecture: String,
}

fn truncated(source: io::Error) -> KernelError {
    KernelError::Truncated { what: "the package", source: readable(source) }
}

fn not_a_package() -> KernelError {
    KernelError::NotAKernel { found: "an ar archive, but no Debian package".to_owned() }
}

/// Reads a package to its end; `with_data` reads the tar of its files.
pub(super) fn read<T>(
    mut reader: impl Read,
    with_data: impl FnOnce(&Control, &mut dyn Read) -> Result<T, KernelError>,
) -> Result<(Control, T), KernelError> {
    let mut magic = [0; 8];
    reader.read_exact(&mut magic).map_err(truncated)?;
    let mut control = None;
    let mut with_data = Some(with_data);
    // debian-binary, control.tar.*, data.tar.*, in this order; dpkg allows for a few others (_…) between.
    for _ in 0..8 {
        let (name, size) = member(&mut reader)?;
        let mut body = (&mut reader).take(size);
        if name.starts_with("control.tar") {
            control = Some(read_control(&mut body)?);
        } else if name.starts_with("data.tar") {
            let control: Control = control.ok_or_else(not_a_package)?;
            let with_data = with_data.take().ok_or_else(not_a_package)?;
            let mut data = unpacked(buffered(&mut body)).map_err(truncated)?;
            let made = with_data(&control, &mut data)?;
            io::copy(&mut data, &mut io::sink()).map_err(truncated)?;
            drop(data);
            io::copy(&mut body, &mut io::sink()).map_err(truncated)?;
            if body.limit() > 0 {
                return Err(truncated(io::ErrorKind::UnexpectedEof.into()));
            }
            return Ok((control, made));
        }
        io::copy(&mut body, &mut io::sink()).map_err(truncated)?;
        if size % 2 == 1 {
            reader.read_exact(&mut [0]).map_err(truncated)?;
        }
    }
    Err(not_a_package())
}

fn member(reader: &mut impl Read) -> Result<(String, u64), KernelError> {
    let mut header = [0; 60];
    reader.read_exact(&mut header).map_err(truncated)?;
    let text = |range: std::ops::Range<usize>| String::from_utf8_lossy(&header[range]).trim().to_owned();
    let size = text(48..58).parse().map_err(|_| not_a_package())?;
    Ok((text(0..16), size))
}

fn read_control(body: &mut impl Read) -> Result<Control, KernelError> {
    let tar = unpacked(buffered(body.take(CONTROL_BYTES_MAX))).map_err(truncated)?;
    let mut archive = tar::Archive::new(tar.take(CONTROL_BYTES_MAX));
    for entry in archive.entries().map_err(truncated)? {
        let mut entry = entry.map_err(truncated)?;
        if entry.path_bytes().strip_prefix(b"./").unwrap_or(&entry.path_bytes()) != b"control" {
            continue;
        }
        let mut text = String::new();
        entry.read_to_string(&mut text).map_err(truncated)?;
        let field = |name: &str| {
            let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            value.unwrap_or_default().trim().to_owned()
        };
        let control = Control {
            package: field("Package"),
            version: field("Version"),
            architecture: field("Architecture"),
        };
        return match control.architecture.as_str() {
            "amd64" => Ok(control),
            other => Err(KernelError::WrongArchitecture { found: other.to_owned() }),
        };
    }
    Err(not_a_package())
}
