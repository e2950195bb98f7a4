//! The stream of an exec session, after its upgrade.
//!
//! A frame is a kind (1 byte), the length of its payload (4 bytes, big-endian) and the payload.
//!
//! | kind | from  | payload                                                        |
//! |------|-------|----------------------------------------------------------------|
//! | 0    | host  | bytes for stdin                                                |
//! | 1    | host  | none: stdin ends                                               |
//! | 2    | host  | the terminal's new size: rows and columns, 2 bytes each        |
//! | 3    | host  | a signal for the command's process group, 4 bytes              |
//! | 16   | guest | bytes from stdout (and stderr, where there is a terminal)      |
//! | 17   | guest | bytes from stderr                                              |
//! | 18   | guest | none: the command was started                                  |
//! | 19   | guest | an [`ExecStatus`] in JSON: the last frame                      |
//! | 20   | guest | a [`StartFailure`] in JSON: it could not be started; the last frame |
//!
//! Back-pressure is the stream's own: whoever does not read stops the other from writing.

use std::io;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use tokio_util::codec::{Decoder, Encoder};

use crate::{ExecStatus, PtySize};

/// The longest payload, in bytes. A longer one ends the session.
pub const PAYLOAD_BYTES_MAX: usize = 64 * 1024;

const HEADER_BYTES: usize = 5;

/// Why a command could not be started. A shell's exit codes follow from it: 126 and 127.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartFailure {
    /// 127 where there is no such program, 126 where it cannot be run, 125 for anything else.
    pub code: u8,
    /// What was tried, and the system's own words for what went wrong.
    pub message: String,
}

/// One frame of an exec session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// Bytes for stdin.
    Stdin(Bytes),
    /// Stdin ends.
    StdinEnd,
    /// The terminal has a new size.
    Resize(PtySize),
    /// A signal for the command's process group.
    Signal(i32),
    /// Bytes from stdout, or from the terminal.
    Stdout(Bytes),
    /// Bytes from stderr.
    Stderr(Bytes),
    /// The command was started.
    Started,
    /// The command ended.
    Ended(ExecStatus),
    /// The command could not be started.
    NotStarted(StartFailure),
}

/// Reads and writes [`Frame`]s.
#[derive(Clone, Copy, Debug, Default)]
pub struct FrameCodec;

impl Frame {
    fn kind(&self) -> u8 {
        match self {
            Self::Stdin(_) => 0,
            Self::StdinEnd => 1,
            Self::Resize(_) => 2,
            Self::Signal(_) => 3,
            Self::Stdout(_) => 16,
            Self::Stderr(_) => 17,
            Self::Started => 18,
            Self::Ended(_) => 19,
            Self::NotStarted(_) => 20,
        }
    }

    fn payload(&self) -> io::Result<Bytes> {
        Ok(match self {
            Self::Stdin(bytes) | Self::Stdout(bytes) | Self::Stderr(bytes) => bytes.clone(),
            Self::StdinEnd | Self::Started => Bytes::new(),
            Self::Resize(PtySize { rows, cols }) => {
                Bytes::from([rows.to_be_bytes(), cols.to_be_bytes()].concat())
            }
            Self::Signal(number) => Bytes::copy_from_slice(&number.to_be_bytes()),
            Self::Ended(status) => serde_json::to_vec(status)?.into(),
            Self::NotStarted(failure) => serde_json::to_vec(failure)?.into(),
        })
    }

    fn read(kind: u8, payload: Bytes) -> io::Result<Self> {
        let bad = |what: &str| io::Error::new(io::ErrorKind::InvalidData, format!("a frame with {what}"));
        Ok(match kind {
            0 => Self::Stdin(payload),
            1 => Self::StdinEnd,
            2 => match payload[..] {
                [r0, r1, c0, c1] => Self::Resize(PtySize {
                    rows: u16::from_be_bytes([r0, r1]),
                    cols: u16::from_be_bytes([c0, c1]),
                }),
                _ => return Err(bad("a size that is not 4 bytes")),
            },
            3 => Self::Signal(i32::from_be_bytes(
                payload[..].try_into().map_err(|_| bad("a signal that is not 4 bytes"))?,
            )),
            16 => Self::Stdout(payload),
            17 => Self::Stderr(payload),
            18 => Self::Started,
            19 => Self::Ended(serde_json::from_slice(&payload)?),
            20 => Self::NotStarted(serde_json::from_slice(&payload)?),
            _ => return Err(bad("an unknown kind")),
        })
    }
}

impl Encoder<Frame> for FrameCodec {
    type Error = io::Error;

    fn encode(&mut self, frame: Frame, dst: &mut BytesMut) -> io::Result<()> {
        let payload = frame.payload()?;
        let len = u32::try_from(payload.len()).ok().filter(|_| payload.len() <= PAYLOAD_BYTES_MAX);
        let len =
            len.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a frame that is too long"))?;
        dst.reserve(HEADER_BYTES + payload.len());
        dst.put_u8(frame.kind());
        dst.put_u32(len);
        dst.put(payload);
        Ok(())
    }
}

impl Decoder for FrameCodec {
    type Item = Frame;
    type Error = io::Error;

    fn decode(&mut self, src: &mut BytesMut) -> io::Result<Option<Frame>> {
        let Some(header) = src.first_chunk::<HEADER_BYTES>() else {
            return Ok(None);
        };
        let [kind, len @ ..] = *header;
        let len = usize::try_from(u32::from_be_bytes(len)).unwrap_or(usize::MAX);
        if len > PAYLOAD_BYTES_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame that is too long"));
        }
        if src.len() < HEADER_BYTES + len {
            src.reserve(HEADER_BYTES + len - src.len());
            return Ok(None);
        }
        src.advance(HEADER_BYTES);
        Frame::read(kind, src.split_to(len).freeze()).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_kind() -> Vec<Frame> {
        vec![
            Frame::Stdin(Bytes::from_static(b"in")),
            Frame::StdinEnd,
            Frame::Resize(PtySize { rows: 24, cols: 300 }),
            Frame::Signal(15),
            Frame::Stdout(Bytes::from_static(&[0; PAYLOAD_BYTES_MAX])),
            Frame::Stderr(Bytes::new()),
            Frame::Started,
            Frame::Ended(ExecStatus::Exited(42)),
            Frame::Ended(ExecStatus::Signaled(9)),
            Frame::NotStarted(StartFailure { code: 127, message: "run nope: not found".to_owned() }),
        ]
    }

    #[test]
    fn frames_cut_anywhere_are_read_as_they_were_written() {
        let mut wire = BytesMut::new();
        for frame in every_kind() {
            FrameCodec.encode(frame, &mut wire).unwrap();
        }
        for step in [1, 3, 4096] {
            let (mut got, mut pending) = (vec![], BytesMut::new());
            for piece in wire.chunks(step) {
                pending.extend_from_slice(piece);
                while let Some(frame) = FrameCodec.decode(&mut pending).unwrap() {
                    got.push(frame);
                }
            }
            assert_eq!(got, every_kind(), "in pieces of {step}");
            assert!(pending.is_empty());
        }
    }

    #[test]
    fn what_is_no_frame_is_an_error_and_not_a_wait() {
        for bad in [
            &[0, 0xff, 0xff, 0xff, 0xff][..],
            &[0, 0, 1, 0, 1],
            &[99, 0, 0, 0, 0],
            &[2, 0, 0, 0, 1, 7],
            &[3, 0, 0, 0, 0],
            &[19, 0, 0, 0, 1, b'{'],
        ] {
            assert!(FrameCodec.decode(&mut BytesMut::from(bad)).is_err(), "{bad:?}");
        }
    }
}
