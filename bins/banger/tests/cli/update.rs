//! `update`: which server it asks.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    thread,
};

use crate::host::Host;

/// What is compiled in counts unless another address is given, and what is committed is nobody's (`packaging/release.toml`).
#[test]
fn the_address_that_is_compiled_in_counts_unless_another_is_given() {
    let host = Host::new();
    assert_eq!(
        host.look(&["update", "--check"]),
        "banger: discover: this banger was built without the address of a release server\n\
         hint: The maintainer sets manifest_url in packaging/release.toml.\nexit 3"
    );
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/manifest.json", server.local_addr().unwrap());
    let asked = thread::spawn(move || {
        let (mut client, _) = server.accept().unwrap();
        let lines = BufReader::new(&client).lines().map(Result::unwrap);
        let request: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
        write!(client, "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").unwrap();
        request[0].clone()
    });
    assert_eq!(
        host.look(&["update", "--check", "--manifest-url", &url]),
        format!(
            "banger: discover: fetch manifest: HTTP 404 Not Found\nhint: It was asked for at {url}\nexit 1"
        )
    );
    assert_eq!(asked.join().unwrap(), "GET /manifest.json HTTP/1.1");
}
