//! Compressed streams, told apart by their first bytes.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use liblzma::bufread::XzDecoder;
use ruzstd::decoding::StreamingDecoder;

/// How bytes are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    Plain,
    Gzip,
    Xz,
    Zstd,
    Lz4Legacy,
    Lz4,
    Bzip2,
}

impl Packing {
    /// Tells the packing by its magic number.
    pub(crate) fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            [0x02, 0x21, 0x4c, 0x18, ..] => Self::Lz4Legacy,
            [0x04, 0x22, 0x4d, 0x18, ..] => Self::Lz4,
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Self::Bzip2,
            _ => Self::Plain,
        }
    }
}

/// The largest window of a zstd frame that is accepted, in bytes: `zstd --long=27`.
const ZSTD_WINDOW_BYTES_MAX: u64 = 128 << 20;

/// A buffered stream of any kind.
pub(crate) type Source<'a> = BufReader<Box<dyn Read + 'a>>;

/// A peekable reader of `inner`.
pub(crate) fn buffered<'a>(inner: impl Read + 'a) -> Source<'a> {
    BufReader::with_capacity(256 << 10, Box::new(inner))
}

/// Returns the first bytes without taking them: `want` of them, fewer only where the stream is shorter.
pub(crate) fn peek(reader: Source<'_>, want: usize) -> io::Result<(Vec<u8>, Source<'_>)> {
    let mut head = vec![];
    let mut reader = reader;
    (&mut reader).take(want as u64).read_to_end(&mut head)?;
    let again = io::Cursor::new(head.clone()).chain(reader);
    Ok((head, buffered(again)))
}

/// Unpacks a stream; one that is not packed is passed through.
pub(crate) fn unpacked<'a>(reader: Source<'a>) -> io::Result<Box<dyn Read + 'a>> {
    let (head, reader) = peek(reader, 6)?;
    Ok(match Packing::of(&head) {
        Packing::Plain => Box::new(reader),
        Packing::Gzip => Box::new(MultiGzDecoder::new(reader)),
        Packing::Xz => Box::new(XzDecoder::new_multi_decoder(reader)),
        Packing::Zstd => Box::new(ZstdFrames::new(reader)),
        Packing::Lz4 => Box::new(lz4_flex::frame::FrameDecoder::new(reader)),
        Packing::Lz4Legacy | Packing::Bzip2 => {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "packed with bzip2 or old lz4"));
        }
    })
}

/// Every frame of a zstd stream, one after the other, as `zstd -d` gives them.
struct ZstdFrames<R: Read> {
    state: Frames<R>,
}

enum Frames<R: Read> {
    Between(R),
    Within(Box<StreamingDecoder<R, ruzstd::decoding::FrameDecoder>>),
    Ended,
}

impl<R: BufRead> ZstdFrames<R> {
    fn new(reader: R) -> Self {
        Self { state: Frames::Between(reader) }
    }

    fn begin(mut reader: R) -> io::Result<Frames<R>> {
        loop {
            let head = reader.fill_buf()?;
            if head.is_empty() {
                return Ok(Frames::Ended);
            }
            // A skippable frame (RFC 8878 §3.1.2): 0x184D2A5? and a length.
            if !(0x50..=0x5f).contains(&head[0]) {
                break;
            }
            let mut skip = [0; 8];
            reader.read_exact(&mut skip)?;
            let [.., a, b, c, d] = skip;
            io::copy(&mut (&mut reader).take(u32::from_le_bytes([a, b, c, d]).into()), &mut io::sink())?;
        }
        let decoder = StreamingDecoder::new_with_max_window_size(reader, ZSTD_WINDOW_BYTES_MAX)
            .map_err(io::Error::other)?;
        Ok(Frames::Within(Box::new(decoder)))
    }
}

impl<R: BufRead> Read for ZstdFrames<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        loop {
            self.state = match std::mem::replace(&mut self.state, Frames::Ended) {
                Frames::Ended => return Ok(0),
                Frames::Between(reader) => Self::begin(reader)?,
                Frames::Within(mut decoder) => {
                    let count = decoder.read(buf)?;
                    if count > 0 {
                        self.state = Frames::Within(decoder);
                        return Ok(count);
                    }
                    Frames::Between(decoder.into_inner())
                }
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn unpack(bytes: Vec<u8>) -> io::Result<Vec<u8>> {
        let mut out = vec![];
        unpacked(buffered(io::Cursor::new(bytes)))?.read_to_end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn every_packing_is_undone_also_in_several_pieces() {
        let text = b"a line of text that is repeated\n".repeat(5000);
        let gzip = {
            let mut gzip = flate2::write::GzEncoder::new(vec![], flate2::Compression::fast());
            gzip.write_all(&text).unwrap();
            gzip.finish().unwrap()
        };
        let xz = {
            let mut xz = liblzma::write::XzEncoder::new(vec![], 1);
            xz.write_all(&text).unwrap();
            xz.finish().unwrap()
        };
        let zstd = ruzstd::encoding::compress_to_vec(&text[..], ruzstd::encoding::CompressionLevel::Fastest);
        let skippable = [0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3].to_vec();
        assert_eq!(unpack(text.clone()).unwrap(), text);
        for packed in [gzip, xz, zstd.clone()] {
            assert_eq!(unpack(packed.clone()).unwrap(), text);
            assert_eq!(unpack([packed.clone(), packed.clone()].concat()).unwrap().len(), text.len() * 2);
            assert!(unpack(packed[..packed.len() / 2].to_vec()).is_err());
        }
        assert_eq!(unpack([zstd.clone(), skippable, zstd].concat()).unwrap().len(), text.len() * 2);
        assert!(unpack(b"BZh9abc".to_vec()).is_err());
        assert_eq!(unpack(vec![]).unwrap(), b"");
    }
}
