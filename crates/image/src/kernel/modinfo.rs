//! What a module says of itself: the strings of its `.modinfo` section.

/// The parts that decide which other modules it needs, and who asks for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ModInfo {
    pub(super) depends: Vec<String>,
    /// What is to be loaded before it, where it is there.
    pub(super) soft_before: Vec<String>,
    pub(super) aliases: Vec<String>,
}

/// Modules are named with either sign; the kernel means the same.
pub(super) fn plain_name(name: &str) -> String {
    name.replace('-', "_")
}

impl ModInfo {
    /// Reads it from a module's ELF file; `None` where that is no module for a 64-bit machine.
    pub(super) fn read(elf: &[u8]) -> Option<Self> {
        let section = section(elf, b".modinfo")?;
        let mut info = Self::default();
        let fields = section.split(|byte| *byte == 0).filter_map(|field| std::str::from_utf8(field).ok());
        for (key, value) in fields.filter_map(|field| field.split_once('=')) {
            match key {
                "depends" => {
                    info.depends.extend(value.split(',').filter(|name| !name.is_empty()).map(plain_name));
                }
                "softdep" => info.soft_before.extend(soft_before(value)),
                "alias" => info.aliases.push(value.to_owned()),
                _ => {}
            }
        }
        Some(info)
    }
}

/// `pre: a b post: c` → a, b
fn soft_before(value: &str) -> Vec<String> {
    let mut is_before = false;
    let mut names = vec![];
    for word in value.split_whitespace() {
        match word {
            "pre:" => is_before = true,
            "post:" => is_before = false,
            name if is_before => names.push(name.to_owned()),
            _ => {}
        }
    }
    names
}

fn uint(bytes: &[u8], at: usize, len: usize) -> Option<usize> {
    let mut wide = [0; 8];
    wide[..len].copy_from_slice(bytes.get(at..at.checked_add(len)?)?);
    usize::try_from(u64::from_le_bytes(wide)).ok()
}

/// Finds a section of a little-endian ELF64 file by its name (elf(5)).
fn section<'a>(elf: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
    if !elf.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let (table, size) = (uint(elf, 0x28, 8)?, uint(elf, 0x3a, 2)?);
    let (count, names) = (uint(elf, 0x3c, 2)?, uint(elf, 0x3e, 2)?);
    let header = |index: usize| table.checked_add(index.checked_mul(size)?);
    let body = |header: usize| {
        let (begin, len) =
            (uint(elf, header.checked_add(0x18)?, 8)?, uint(elf, header.checked_add(0x20)?, 8)?);
        elf.get(begin..begin.checked_add(len)?)
    };
    let names = body(header(names)?)?;
    let is_wanted = |header: &usize| {
        let name = uint(elf, *header, 4).and_then(|at| names.get(at..));
        name.is_some_and(|name| name.starts_with(wanted) && name.get(wanted.len()) == Some(&0))
    };
    (0..count).filter_map(header).find(is_wanted).and_then(body)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A module with nothing but its `.modinfo`.
    pub(in super::super) fn module(fields: &[&str]) -> Vec<u8> {
        let info: Vec<u8> = fields.iter().flat_map(|field| [field.as_bytes(), b"\0"].concat()).collect();
        let names = b"\0.modinfo\0.shstrtab\0";
        let (info_at, names_at) = (64, 64 + info.len());
        let table = names_at + names.len();
        let mut elf = vec![0; 64];
        elf[..6].copy_from_slice(b"\x7fELF\x02\x01");
        elf[16] = 1;
        elf[18] = 62;
        elf[0x28..0x30].copy_from_slice(&(table as u64).to_le_bytes());
        elf[0x3a] = 64;
        elf[0x3c] = 3;
        elf[0x3e] = 2;
        elf.extend(&info);
        elf.extend(names);
        let header = |name: u32, at: usize, len: usize| {
            let mut header = [0; 64];
            header[..4].copy_from_slice(&name.to_le_bytes());
            header[0x18..0x20].copy_from_slice(&(at as u64).to_le_bytes());
            header[0x20..0x28].copy_from_slice(&(len as u64).to_le_bytes());
            header
        };
        elf.extend(header(0, 0, 0));
        elf.extend(header(1, info_at, info.len()));
        elf.extend(header(10, names_at, names.len()));
        elf
    }

    #[test]
    fn what_a_module_needs_is_read() {
        let fields =
            ["name=ext4", "depends=mbcache,crc16,jbd-2", "softdep=pre: crc32c x post: y", "alias=fs-ext4"];
        let info = ModInfo::read(&module(&fields)).unwrap();
        assert_eq!(info.depends, ["mbcache", "crc16", "jbd_2"]);
        assert_eq!(info.soft_before, ["crc32c", "x"]);
        assert_eq!(info.aliases, ["fs-ext4"]);
        assert_eq!(ModInfo::read(&module(&["depends="])).unwrap(), ModInfo::default());
    }

    #[test]
    fn a_module_that_is_cut_short_is_none_or_whole() {
        let whole = module(&["depends=a,b"]);
        let info = ModInfo::read(&whole);
        for len in 0..whole.len() {
            let read = ModInfo::read(&whole[..len]);
            assert!(read.is_none() || read == info, "{len}");
        }
    }
}
