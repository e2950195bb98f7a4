//! A kernel of a few instructions, so that none has to be built first.

/// Halts for ever.
const HALT: &[u8] = &[0xfa, 0xf4, 0xeb, 0xfd];

/// A kernel that QEMU starts through its PVH entry (Xen, docs/misc/pvh.pandoc): it prints a line and halts.
pub(crate) fn kernel(line: &str) -> Vec<u8> {
    const AT: u32 = 0x0010_0000;
    let mut code = vec![0x66, 0xba, 0xf8, 0x03]; // mov dx, 0x3f8
    for byte in line.bytes().chain(*b"\n") {
        code.extend([0xb0, byte, 0xee]); // mov al, byte; out dx, al
    }
    code.extend(HALT);
    let entry = AT + 0x1000;
    let size = u32::try_from(0x1000 + code.len()).unwrap();
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    let mut elf = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x03\0".to_vec();
    elf.extend(words(&[1, entry, 52, 0, 0])); // version, entry, program headers, section headers, flags
    elf.extend([52, 0, 32, 0, 2, 0, 40, 0, 0, 0, 0, 0]);
    elf.extend(words(&[1, 0, AT, AT, size, size, 7, 0x1000])); // PT_LOAD, the whole file
    elf.extend(words(&[4, 0x200, AT + 0x200, AT + 0x200, 20, 20, 4, 4])); // PT_NOTE
    elf.resize(0x200, 0);
    elf.extend(words(&[4, 4, 18])); // sizes of name and value; XEN_ELFNOTE_PHYS32_ENTRY
    elf.extend(b"Xen\0");
    elf.extend(words(&[entry]));
    elf.resize(0x1000, 0);
    elf.extend(code);
    elf
}
