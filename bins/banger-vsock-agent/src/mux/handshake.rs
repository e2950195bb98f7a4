//! How link and agent find each other on a port that may still hold bytes of an earlier session.
//!
//! ```text
//! link   padding  banger-link/1 hello N  (again every 500 ms)          banger-link/1 go N  yamux …
//! guest  padding                                 banger-link/1 ack N                       yamux …
//! ```
//!
//! Each side discards what it does not understand, up to the line that it waits for; N is a nonce of the
//! link's, new for each session, so no line of an earlier one is mistaken for one of this. The guest answers
//! each nonce once, or a late second answer would stand among the frames. Whoever begins anew first sends
//! padding that breaks any frame in flight, so that the other side's multiplexer fails and it begins anew too.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt, AsyncWrite, AsyncWriteExt},
    time::sleep,
};

use super::{FRAME_BYTES_MAX, port::Port};

const HELLO: &str = "banger-link/1 hello ";
const ACK: &str = "banger-link/1 ack ";
const GO: &str = "banger-link/1 go ";
const NONCE_DIGITS: usize = 32;

const HELLO_EVERY: Duration = Duration::from_millis(500);

/// No frame begins with this byte (it would be its version), and no line of the handshake has it.
const PADDING: u8 = 0xff;
const PADDING_BYTES: usize = 4 * FRAME_BYTES_MAX;

/// As much of a line's end as is looked at, in bytes.
const TAIL_BYTES_MAX: usize = 128;

/// The link's side: returns when the guest is there. The multiplexer's first byte may follow at once.
pub(crate) async fn meet_guest(port: &mut Port, nonce: [u8; NONCE_DIGITS / 2]) -> io::Result<()> {
    let nonce = format!("{:032x}", u128::from_be_bytes(nonce));
    let Port { reader, writer } = port;
    let call = async {
        pad(writer).await?;
        loop {
            say(writer, HELLO, &nonce).await?;
            sleep(HELLO_EVERY).await;
        }
    };
    let hear = async {
        let mut tail = Vec::new();
        loop {
            next_line(reader, &mut tail).await?;
            if said(&tail, ACK) == Some(&nonce) {
                return io::Result::Ok(());
            }
        }
    };
    tokio::select! {
        called = call => called,
        heard = hear => heard,
    }?;
    say(writer, GO, &nonce).await
}

/// The guest's side: returns when the link is there and the multiplexer's first byte comes next.
pub(crate) async fn meet_link(port: &mut Port) -> io::Result<()> {
    let Port { reader, writer } = port;
    pad(writer).await?;
    let mut tail = Vec::new();
    let mut answered = String::new();
    loop {
        next_line(reader, &mut tail).await?;
        if said(&tail, GO).is_some_and(|nonce| nonce == answered) {
            return Ok(());
        }
        if let Some(nonce) = said(&tail, HELLO).filter(|nonce| *nonce != answered) {
            nonce.clone_into(&mut answered);
            say(writer, ACK, &answered).await?;
        }
    }
}

async fn pad(writer: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
    writer.write_all(&vec![PADDING; PADDING_BYTES]).await?;
    writer.write_all(b"\n").await?;
    writer.flush().await
}

async fn say(writer: &mut (impl AsyncWrite + Unpin), word: &str, nonce: &str) -> io::Result<()> {
    writer.write_all(format!("{word}{nonce}\n").as_bytes()).await?;
    writer.flush().await
}

/// Reads up to the end of a line and leaves the line's last bytes in `tail`.
async fn next_line(reader: &mut (impl AsyncBufRead + Unpin), tail: &mut Vec<u8>) -> io::Result<()> {
    tail.clear();
    loop {
        let bytes = reader.fill_buf().await?;
        if bytes.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let line = &bytes[..end.unwrap_or(bytes.len())];
        tail.extend_from_slice(&line[line.len().saturating_sub(TAIL_BYTES_MAX)..]);
        let surplus = tail.len().saturating_sub(TAIL_BYTES_MAX);
        tail.drain(..surplus);
        let used = end.map_or(line.len(), |end| end + 1);
        reader.consume(used);
        if end.is_some() {
            return Ok(());
        }
    }
}

/// Returns the nonce if the line ends with `word` and a nonce. What stands before it is an earlier session's.
fn said<'a>(tail: &'a [u8], word: &str) -> Option<&'a str> {
    let nonce_at = tail.len().checked_sub(NONCE_DIGITS)?;
    let (before, nonce) = tail.split_at(nonce_at);
    let is_nonce = nonce.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if before.ends_with(word.as_bytes()) && is_nonce { str::from_utf8(nonce).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_its_end_says() {
        let nonce = "00112233445566778899aabbccddeeff";
        for (line, heard) in [
            (format!("{HELLO}{nonce}"), true),
            (format!("\u{0}\u{1}garbage{HELLO}{nonce}"), true),
            (format!("{HELLO}{nonce} "), false),
            (format!("{HELLO}{}", &nonce[1..]), false),
            (format!("{HELLO}{}", nonce.to_uppercase()), false),
            (format!("{ACK}{nonce}"), false),
            (nonce.to_owned(), false),
            (String::new(), false),
        ] {
            assert_eq!(said(line.as_bytes(), HELLO).is_some(), heard, "{line:?}");
        }
    }

    #[tokio::test]
    async fn a_line_of_any_length_leaves_its_end() {
        let mut text = vec![b'x'; 100_000];
        text.extend_from_slice(b"end\nnext\nno end");
        let mut reader = tokio::io::BufReader::with_capacity(7, &text[..]);
        let mut tail = vec![];
        next_line(&mut reader, &mut tail).await.unwrap();
        assert_eq!((tail.len(), tail.ends_with(b"xend")), (TAIL_BYTES_MAX, true));
        next_line(&mut reader, &mut tail).await.unwrap();
        assert_eq!(tail, b"next");
        assert!(next_line(&mut reader, &mut tail).await.is_err());
    }
}
