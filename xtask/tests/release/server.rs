//! Serves a directory to this machine, as any web server does.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    thread,
};

/// Serves the directory for as long as the test runs; returns the address, with a slash at its end.
pub(crate) fn serve(dir: &Path) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let dir = dir.to_owned();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            // A client that leaves is none of the server's business.
            let _ = answer(&dir, &client);
        }
    });
    format!("http://127.0.0.1:{port}/")
}

fn answer(dir: &Path, mut client: &TcpStream) -> std::io::Result<()> {
    let mut lines = BufReader::new(client).lines();
    let request = lines.next().unwrap_or(Ok(String::new()))?;
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let path: PathBuf = request.split(' ').nth(1).unwrap_or_default().trim_start_matches('/').into();
    match fs::read(dir.join(path)) {
        Ok(bytes) => {
            write!(
                client,
                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                bytes.len()
            )?;
            client.write_all(&bytes)
        }
        Err(_) => write!(client, "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
    }
}
