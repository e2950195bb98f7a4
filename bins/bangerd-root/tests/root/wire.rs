//! Calls that no client makes: bytes on the socket, from any user.

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    thread,
    time::Duration,
};

use rustix::thread::{Uid, set_thread_res_uid};

/// How long an answer is waited for.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// The head of a call as a client makes it.
pub(crate) fn head(operation: &str, body_bytes: usize) -> String {
    format!(
        "POST /v1/{operation} HTTP/1.1\r\nhost: banger\r\nbanger-version: {}\r\nbanger-operation: op-000102fdfeff\r\n\
         content-length: {body_bytes}\r\n\r\n",
        privileged::RELEASE
    )
}

pub(crate) fn call(operation: &str, body: &str) -> Vec<u8> {
    [head(operation, body.len()).into_bytes(), body.as_bytes().to_vec()].concat()
}

/// Sends bytes and reads what comes until the helper closes: the status and the body. Empty where it says nothing.
pub(crate) fn send(socket: &Path, bytes: &[u8]) -> (u16, String) {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(ANSWER_LIMIT)).unwrap();
    stream.set_write_timeout(Some(ANSWER_LIMIT)).unwrap();
    // The helper need not read all of it.
    let _cut = stream.write_all(bytes);
    answer(&mut stream)
}

pub(crate) fn answer(stream: &mut UnixStream) -> (u16, String) {
    let (mut said, mut part) = (vec![], [0; 4096]);
    // A close with bytes unread is an error here, after what was said.
    while let Ok(read) = stream.read(&mut part) {
        if read == 0 {
            break;
        }
        said.extend_from_slice(&part[..read]);
    }
    let said = String::from_utf8(said).unwrap();
    let status = said.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    (status, said.split_once("\r\n\r\n").map_or(String::new(), |(_, body)| body.to_owned()))
}

/// Does something as another user. The thread is that user's and nothing else of the process.
pub(crate) fn as_user<T: Send + 'static>(uid: u32, work: impl FnOnce() -> T + Send + 'static) -> T {
    let user = Uid::from_raw(uid);
    let thread = thread::spawn(move || {
        set_thread_res_uid(user, user, user).unwrap();
        work()
    });
    thread.join().unwrap()
}
