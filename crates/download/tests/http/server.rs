//! A server of one answer, on this machine, over real sockets.

#![expect(clippy::unwrap_used, reason = "a server that cannot be made is a failed test")]

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use release::Url;

/// Answers every connection in the same way, for as long as the test runs.
pub(crate) struct Server {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Hands each connection to `answer` once its request was read; it is closed when `answer` returns.
    pub(crate) fn with(answer: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(vec![]));
        let seen = Arc::clone(&requests);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if let Some(request) = read_request(&client) {
                    seen.lock().unwrap().push(request);
                    answer(client);
                }
            }
        });
        Self { port, requests }
    }

    /// Answers with `content`.
    pub(crate) fn answering(content: &[u8]) -> Self {
        let content = content.to_vec();
        Self::with(move |mut client| {
            let _ = write!(client, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", content.len());
            let _ = client.write_all(&content);
        })
    }

    /// The address of something on it.
    pub(crate) fn url(&self, path: &str) -> Url {
        format!("http://127.0.0.1:{}{path}", self.port).parse().unwrap()
    }

    /// What was asked of it.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// An address where nobody listens.
    pub(crate) fn gone(&self) -> Url {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        assert_ne!(port, self.port);
        format!("http://127.0.0.1:{port}/x").parse().unwrap()
    }
}

/// Up to the empty line: a request of ours has no body.
fn read_request(mut client: &TcpStream) -> Option<String> {
    let (mut request, mut byte) = (vec![], [0]);
    while !request.ends_with(b"\r\n\r\n") {
        if client.read(&mut byte).ok()? == 0 {
            return None;
        }
        request.push(byte[0]);
    }
    String::from_utf8(request).ok()
}

/// Between two bytes of a slow server.
pub(crate) fn wait_a_little() {
    thread::sleep(Duration::from_millis(5));
}
