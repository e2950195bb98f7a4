use std::io::Write;

use super::*;

/// An ELF file that says what a kernel says, with one loaded part.
pub(in super::super) fn elf(release: &str) -> Vec<u8> {
    let text =
        format!("Linux version %s\0Linux version {release} (someone@somewhere)\0{}", "pad ".repeat(3000));
    let mut elf = vec![0; 120];
    elf[..6].copy_from_slice(b"\x7fELF\x02\x01");
    elf[16] = 2;
    elf[18] = 62;
    elf[32] = 64;
    elf[54] = 56;
    elf[56] = 1;
    elf[64 + 8] = 120;
    elf[64 + 32..64 + 40].copy_from_slice(&(text.len() as u64).to_le_bytes());
    elf.extend(text.as_bytes());
    elf
}

/// A bzImage around a packed kernel.
pub(in super::super) fn bzimage(release: &str, payload: &[u8]) -> Vec<u8> {
    let setup = 3;
    let mut image = vec![0; (setup + 1) * 512];
    image[0x1f1] = u8::try_from(setup).unwrap();
    image[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
    image[0x202..0x206].copy_from_slice(b"HdrS");
    image[0x206..0x208].copy_from_slice(&0x20f_u16.to_le_bytes());
    image[0x20e..0x210].copy_from_slice(&0x100_u16.to_le_bytes());
    let text = format!("{release} (someone) #1\0");
    image[0x300..0x300 + text.len()].copy_from_slice(text.as_bytes());
    image[0x248..0x24c].copy_from_slice(&16_u32.to_le_bytes());
    image[0x24c..0x250].copy_from_slice(&u32::try_from(payload.len()).unwrap().to_le_bytes());
    image.extend([0x90; 16]);
    image.extend(payload);
    image.extend(b"what follows");
    image
}

pub(in super::super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(vec![], flate2::Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

pub(in super::super) fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut xz = liblzma::write::XzEncoder::new(vec![], 1);
    xz.write_all(bytes).unwrap();
    xz.finish().unwrap()
}

fn lz4(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0x02, 0x21, 0x4c, 0x18];
    for block in bytes.chunks(5000) {
        let packed = lz4_flex::block::compress(block);
        out.extend(u32::try_from(packed.len()).unwrap().to_le_bytes());
        out.extend(packed);
    }
    out
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

#[test]
fn a_kernel_is_taken_out_of_every_packing() {
    let elf = elf("6.9.1-test");
    // The build appends the unpacked length to what has none of its own.
    let length = u32::try_from(elf.len()).unwrap().to_le_bytes();
    let packings = [gzip(&elf), xz(&elf), lz4(&elf), zstd(&elf)];
    for payload in packings.iter().map(|packed| [&packed[..], &length].concat()).chain([elf.clone()]) {
        let kernel = unwrap(bzimage("6.9.1-test", &payload)).unwrap();
        assert_eq!((kernel.vmlinux == elf, kernel.release.as_str()), (true, "6.9.1-test"));
    }
    assert_eq!(unwrap(elf.clone()).unwrap().release, "6.9.1-test");
}

#[test]
fn each_kind_of_bad_kernel_is_told_apart() {
    let good = elf("6.9.1");
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    let old_protocol = {
        let mut image = bzimage("6.9.1", &gzip(&good));
        image[0x206] = 1;
        image
    };
    let cut = bzimage("6.9.1", &gzip(&good));
    let table = [
        (with(18, 183), "it is for arm64, not for x86-64"),
        (with(4, 1), "it is for x32, not for x86-64"),
        (with(16, 1), "the kernel cannot be used: it is an object file, not a kernel"),
        (good[..500].to_vec(), "the kernel ends early or is damaged"),
        (good[..30].to_vec(), "the kernel ends early or is damaged"),
        (elf("unknown"), "the kernel cannot be used: it does not say its release"),
        (cut[..cut.len() - 40].to_vec(), "the kernel ends early or is damaged"),
        (bzimage("6.9.1", &gzip(&good)[..200]), "the kernel's payload ends early or is damaged"),
        (bzimage("6.9.1", &xz(&good)[..100]), "the kernel's payload ends early or is damaged"),
        (bzimage("6.9.1", &zstd(&good)[..100]), "the kernel's payload ends early or is damaged"),
        (
            bzimage("6.9.1", b"BZh91AY&SY"),
            "the kernel cannot be used: its payload is packed in a way that is not known (not gzip, xz, zstd or lz4)",
        ),
        (bzimage("6.9.1", &gzip(b"text")), "the kernel cannot be used: what it holds is no ELF file"),
        (old_protocol, "the kernel cannot be used: its boot protocol is older than 2.08"),
    ];
    for (bytes, want) in table {
        assert_eq!(unwrap(bytes).unwrap_err().to_string(), want);
    }
}

#[test]
fn no_prefix_of_a_kernel_ends_the_program() {
    let whole = bzimage("6.9.1", &gzip(&elf("6.9.1")));
    for len in 0..whole.len() - "what follows".len() {
        assert!(unwrap(whole[..len].to_vec()).is_err(), "{len}");
    }
}
