//! Files that no kernel can be made of.

use smoke::on_plain;

use super::{
    files::{ARM64, Tar, X86_64, ar, deb, elf, gzip, kernel, noise, padded},
    table::Table,
};

/// What is wrong, the file's name, and what is in it.
type Cases = Vec<(&'static str, &'static str, Vec<u8>)>;

const RELEASE: &str = "Linux version 6.1.0 (gcc)";

#[test]
fn files_that_are_no_kernel_leave_nothing() {
    on_plain(|host| {
        let mut table = Table::new(host);
        for (what, name, bytes) in packages().into_iter().chain(programs()).chain(archives()) {
            table.file(name, bytes);
            table.refused(what, &format!("kernel import --name box --vmlinux {name}"), 1);
        }
        table.is("files_that_are_no_kernel");
    });
}

fn packages() -> Cases {
    let data = Tar::new().file("./boot/vmlinuz-6.1.0", kernel(X86_64, 25, RELEASE)).end();
    let whole = deb("amd64", &data);
    vec![
        ("a package for another processor", "arm64.deb", deb("arm64", &data)),
        (
            "a package without a kernel",
            "doc.deb",
            deb("amd64", &Tar::new().file("./usr/share/doc", "").end()),
        ),
        ("half a package", "half.deb", whole[..whole.len() / 2].to_vec()),
        ("a package without its files", "control.deb", whole[..whole.len() - data.len() - 60].to_vec()),
        ("an archive of ar that is no package", "lib.a", ar(&[("x.o", b"object")])),
        ("a package whose files are noise", "noise.deb", deb("amd64", &noise(4096))),
    ]
}

fn programs() -> Cases {
    let short = {
        let mut bytes = vec![0; 1024];
        bytes[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
        bytes[0x202..0x206].copy_from_slice(b"HdrS");
        bytes
    };
    let changed = |at: usize, new: &[u8]| {
        let mut bytes = short.clone();
        bytes[at..at + new.len()].copy_from_slice(new);
        bytes
    };
    let mut payload = changed(0x206, &0x20c_u16.to_le_bytes());
    payload[0x1f1] = 1;
    payload[0x24c..0x250].copy_from_slice(&1000_u32.to_le_bytes());
    let cut = payload.clone();
    payload.extend([&b"\x1f\x8b\x08\0"[..], &noise(2000)].concat());
    vec![
        ("a text", "text", b"hello\n".to_vec()),
        ("of no kind", "noise", noise(10_000)),
        ("a kernel for another processor", "arm64", kernel(ARM64, 25, RELEASE)),
        ("an object file", "object.o", padded(&elf(X86_64, 1), 200)),
        ("half a kernel", "half", kernel(X86_64, 1 << 20, RELEASE)),
        ("a head alone", "head", b"\x7fELF\x02\x01\x01".to_vec()),
        ("a program that is no kernel", "program", kernel(X86_64, 4, "text")),
        ("a kernel of long ago", "old", changed(0x206, &0x0200_u16.to_le_bytes())),
        ("a kernel without its payload", "cut", cut),
        ("a kernel with noise as its payload", "payload", payload),
        ("gzip of noise", "noise.gz", gzip(&noise(4096))),
    ]
}

fn archives() -> Cases {
    let whole = kernel(X86_64, 25, RELEASE);
    let tar = || Tar::new().file("vmlinux", &whole);
    let dep = |release: &str| format!("lib/modules/{release}/modules.dep");
    vec![
        ("a tar without a kernel", "none.tar", Tar::new().file("readme", "").end()),
        ("two kernels", "two.tar", tar().file("boot/vmlinuz-6.1.0", &whole).end()),
        (
            "modules of two kernels",
            "modules-of-two.tar",
            tar().file(&dep("6.1.0"), "").file(&dep("6.2.0"), "").end(),
        ),
        ("modules of another kernel", "other-modules.tar", tar().file(&dep("6.2.0"), "").end()),
        (
            "a module that is none",
            "no-module.tar",
            tar().file("lib/modules/6.1.0/kernel/x.ko", "not a module").end(),
        ),
        ("half a tar", "half.tar", tar().file("boot/x", noise(10_000)).end()[..8000].to_vec()),
    ]
}
