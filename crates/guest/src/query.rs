//! A path in the query of a request: percent-encoded (RFC 3986 §2.1), so that any bytes can be named.

use std::fmt::Write;

/// Encodes a text for the value of a query.
#[must_use]
pub fn encode(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing into a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

/// Finds the value of `key` in a query and decodes it; `None` where it is missing or not UTF-8.
#[must_use]
pub fn value(query: &str, key: &str) -> Option<String> {
    let pair = query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='))?;
    let mut bytes = Vec::with_capacity(pair.len());
    let mut rest = pair.as_bytes();
    while let [first, tail @ ..] = rest {
        let (byte, tail) = match (first, tail) {
            (b'%', [high, low, tail @ ..]) => (hex(*high)? << 4 | hex(*low)?, tail),
            (b'%', _) => return None,
            (byte, tail) => (*byte, tail),
        };
        bytes.push(byte);
        rest = tail;
    }
    String::from_utf8(bytes).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_is_read_as_it_was_written() {
        for text in ["", "/root/repo", "a b&c=d%+?#", "ä/日本", "\n\u{0}"] {
            let query = format!("x=1&path={}&y=2", encode(text));
            assert!(query.is_ascii(), "{query}");
            assert_eq!(value(&query, "path").as_deref(), Some(text));
        }
    }

    #[test]
    fn what_is_no_value_is_none() {
        for (query, key) in [
            ("", "path"),
            ("path", "path"),
            ("path=%", "path"),
            ("path=%zz", "path"),
            ("path=%ff", "path"),
            ("xpath=1", "path"),
        ] {
            assert_eq!(value(query, key), None, "{query:?}");
        }
    }
}
