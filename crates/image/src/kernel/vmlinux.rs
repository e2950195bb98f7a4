//! The two forms of an x86-64 kernel: the ELF file that Firecracker boots, and the bzImage that wraps one
//! (Linux, Documentation/arch/x86/boot.rst).

use std::io::Read;

use super::KernelError;
use crate::decompress::Packing;

/// The largest kernel that is unpacked, in bytes.
pub(super) const KERNEL_BYTES_MAX: usize = 512 << 20;

const LZ4_LEGACY_BLOCK_BYTES: usize = 8 << 20;

/// A kernel in the forms that monitors want.
#[derive(Debug)]
pub(super) struct Unwrapped {
    /// The ELF file.
    pub(super) vmlinux: Vec<u8>,
    /// What it calls itself.
    pub(super) release: String,
}

fn bad(why: impl Into<String>) -> KernelError {
    KernelError::Bad { why: why.into() }
}

pub(super) fn is_elf(head: &[u8]) -> bool {
    head.starts_with(b"\x7fELF")
}

pub(super) fn is_bzimage(head: &[u8]) -> bool {
    head.get(0x202..0x206) == Some(b"HdrS") && head.get(0x1fe..0x200) == Some(&[0x55, 0xaa])
}

/// Reads a kernel in either form.
pub(super) fn unwrap(bytes: Vec<u8>) -> Result<Unwrapped, KernelError> {
    if is_bzimage(&bytes) {
        let vmlinux = payload(&bytes)?;
        check_elf(&vmlinux)?;
        let release = header_release(&bytes).or_else(|| elf_release(&vmlinux));
        let release = release.ok_or_else(|| bad("it does not say its release"))?;
        return Ok(Unwrapped { vmlinux, release });
    }
    check_elf(&bytes)?;
    let release = elf_release(&bytes).ok_or_else(|| bad("it does not say its release"))?;
    Ok(Unwrapped { vmlinux: bytes, release })
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn check_elf(bytes: &[u8]) -> Result<(), KernelError> {
    if !is_elf(bytes) {
        return Err(bad("what it holds is no ELF file"));
    }
    if bytes.len() < 64 {
        return Err(KernelError::Truncated { what: "the kernel", source: None });
    }
    if let Some(found) = crate::magic::foreign_machine(bytes) {
        return Err(KernelError::WrongArchitecture { found });
    }
    match u16_at(bytes, 16) {
        Some(2 | 3) => {}
        _ => return Err(bad("it is an object file, not a kernel")),
    }
    // The program headers say what a monitor would load.
    let ends: Option<Vec<u64>> = {
        let offset = u32_at(bytes, 32).map(|offset| offset as usize);
        let (size, count) = (u16_at(bytes, 54), u16_at(bytes, 56));
        let u64_at = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
        let end = |at: usize| u64_at(at + 8)?.checked_add(u64_at(at + 32)?);
        match (offset, size, count) {
            (Some(offset), Some(size), Some(count)) if size >= 56 => (0..usize::from(count))
                .map(|index| end(offset.checked_add(index * usize::from(size))?))
                .collect(),
            _ => None,
        }
    };
    match ends {
        Some(ends) if ends.iter().all(|end| *end <= bytes.len() as u64) && !ends.is_empty() => Ok(()),
        _ => Err(KernelError::Truncated { what: "the kernel", source: None }),
    }
}

fn header_release(bytes: &[u8]) -> Option<String> {
    let at = usize::from(u16_at(bytes, 0x20e)?);
    if at == 0 {
        return None;
    }
    let text = bytes.get(at + 0x200..)?;
    let end = text.iter().take(256).position(|byte| *byte == 0)?;
    plain_release(&text[..end])
}

fn elf_release(bytes: &[u8]) -> Option<String> {
    const MARK: &[u8] = b"Linux version ";
    let mut from = 0;
    // The mark also stands in a format string, before a percent sign.
    while let Some(at) = find(&bytes[from..], MARK) {
        from += at + MARK.len();
        let release = plain_release(&bytes[from..bytes.len().min(from + 128)]);
        if release.is_some() {
            return release;
        }
    }
    None
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|byte| *byte == first) {
        from += at;
        if bytes[from..].starts_with(wanted) {
            return Some(from);
        }
        from += 1;
    }
    None
}

fn plain_release(text: &[u8]) -> Option<String> {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b".-+_~".contains(byte);
    let release: Vec<u8> = text.iter().copied().take_while(is_plain).collect();
    let is_release = release.first().is_some_and(u8::is_ascii_digit) && release.len() <= 64;
    is_release.then(|| String::from_utf8(release).ok())?
}

/// Takes the ELF file out of a bzImage.
fn payload(bytes: &[u8]) -> Result<Vec<u8>, KernelError> {
    let version = u16_at(bytes, 0x206).unwrap_or(0);
    if version < 0x208 {
        return Err(bad("its boot protocol is older than 2.08"));
    }
    let setup = match bytes.get(0x1f1) {
        Some(0) | None => 4,
        Some(count) => usize::from(*count),
    };
    let place = || {
        let begin = (setup + 1) * 512 + usize::try_from(u32_at(bytes, 0x248)?).ok()?;
        Some((begin, usize::try_from(u32_at(bytes, 0x24c)?).ok()?))
    };
    let (begin, len) = place().ok_or(KernelError::Truncated { what: "the kernel", source: None })?;
    let packed = begin.checked_add(len).and_then(|end| bytes.get(begin..end));
    let packed = packed.ok_or(KernelError::Truncated { what: "the kernel", source: None })?;
    unpack(packed)
}

fn unpack(packed: &[u8]) -> Result<Vec<u8>, KernelError> {
    let damaged = |source| KernelError::Truncated { what: "the kernel's payload", source: Some(source) };
    // Four bytes of length follow the packed kernel, so only one member or frame is read.
    let mut reader: Box<dyn Read> = match Packing::of(packed) {
        Packing::Gzip => Box::new(flate2::read::GzDecoder::new(packed)),
        Packing::Xz => Box::new(liblzma::read::XzDecoder::new(packed)),
        Packing::Zstd => Box::new(
            ruzstd::decoding::StreamingDecoder::new_with_max_window_size(packed, KERNEL_BYTES_MAX as u64)
                .map_err(|error| damaged(std::io::Error::other(error)))?,
        ),
        Packing::Lz4Legacy => return unpack_lz4(packed),
        Packing::Plain if is_elf(packed) => return Ok(packed.to_owned()),
        Packing::Plain | Packing::Lz4 | Packing::Bzip2 => {
            return Err(bad("its payload is packed in a way that is not known (not gzip, xz, zstd or lz4)"));
        }
    };
    let mut out = vec![];
    (&mut reader).take(KERNEL_BYTES_MAX as u64 + 1).read_to_end(&mut out).map_err(damaged)?;
    if out.len() > KERNEL_BYTES_MAX { Err(too_large()) } else { Ok(out) }
}

fn too_large() -> KernelError {
    bad("it is larger than 512 MiB")
}

/// The format of `lz4 -l`: blocks of up to 8 MiB, each with its packed length.
fn unpack_lz4(packed: &[u8]) -> Result<Vec<u8>, KernelError> {
    let mut rest = &packed[4..];
    let mut out = vec![];
    let mut block = vec![0; LZ4_LEGACY_BLOCK_BYTES];
    while let Some(len) = u32_at(rest, 0) {
        let Some(bytes) = usize::try_from(len).ok().and_then(|len| rest[4..].get(..len)) else {
            // The last four bytes are the length of it all, not of one more block.
            break;
        };
        let count =
            lz4_flex::block::decompress_into(bytes, &mut block).map_err(|error| KernelError::Truncated {
                what: "the kernel's payload",
                source: Some(std::io::Error::other(error)),
            })?;
        out.extend_from_slice(&block[..count]);
        if out.len() > KERNEL_BYTES_MAX {
            return Err(too_large());
        }
        rest = &rest[4 + bytes.len()..];
    }
    Ok(out)
}

#[cfg(test)]
pub(super) mod tests;
