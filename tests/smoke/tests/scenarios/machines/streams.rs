//! Much at once.

use smoke::Host;

const BYTES: usize = 100 << 20;

/// Bytes that no buffer's border falls together with, and that do not compress.
fn noise(count: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut bytes = Vec::with_capacity(count + 8);
    while bytes.len() < count {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(count);
    bytes
}

pub(super) fn hundred_mib_through_stdin_and_stdout(host: &Host) {
    let bytes = noise(BYTES);
    let output = host.sh("box", "tee /root/noise").stdin(bytes.clone()).run().ok();
    assert_eq!(output.stdout.len(), BYTES);
    assert!(output.stdout == bytes, "the bytes that came back are others");
    host.note(format!("100 MiB in and out in {:.1} s", output.took.as_secs_f32()));

    // What reached the guest is told by the guest.
    let here = host.program("/usr/bin/sha256sum").stdin(bytes).run().ok().stdout();
    let there = host.sh("box", "sha256sum < /root/noise").run().ok().stdout();
    assert_eq!(here, there);
}
