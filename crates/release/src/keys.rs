//! Whose signature counts.

use model::Class;
use p256::{ecdsa::VerifyingKey, pkcs8::DecodePublicKey};

/// The public keys that releases are trusted from: ECDSA on P-256, as PEM of a `SubjectPublicKeyInfo` (RFC 5480), which
/// is what `cosign generate-key-pair` and `openssl pkey -pubout` write.
#[derive(Clone, Debug)]
pub struct Keys(Vec<Key>);

#[derive(Clone, Debug)]
enum Key {
    /// The maintainer has not put a key there yet.
    Placeholder,
    Public(Box<VerifyingKey>),
}

/// Why nothing can be trusted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// No key was made yet.
    #[error(
        "this banger was built with a placeholder for the key that releases are signed with; the maintainer must \
         replace it and re-cut a release before update can proceed"
    )]
    Placeholder,
    /// There is no key at all.
    #[error("there is no public key")]
    None,
    /// A PEM block has no end, or an end without a beginning.
    #[error("public key {number} is not whole")]
    Torn {
        /// Which, counted from 1.
        number: usize,
    },
    /// It is no key of this kind.
    #[error("public key {number} ({label}) is none of ECDSA on P-256")]
    OtherKind {
        /// Which, counted from 1.
        number: usize,
        /// What its PEM block calls itself.
        label: String,
    },
}

impl KeyError {
    /// Whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        Class::Refused
    }

    /// One sentence that tells the user what to do, if there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Placeholder => Some("packaging/release.toml says how a key is made and put in.".to_owned()),
            Self::OtherKind { label, .. } if label.contains("PRIVATE") => {
                Some("That is the private half: openssl pkey -in FILE -pubout".to_owned())
            }
            _ => None,
        }
    }
}

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const PLACEHOLDER: &str = "PLACEHOLDER";

impl Keys {
    /// Reads one PEM block or more. Text around them is passed over, as RFC 7468 §2 has it.
    ///
    /// # Errors
    ///
    /// There is no block, a torn one, or one that is no such key. A placeholder is read, so that what needs no trust
    /// still works; [`usable`](Self::usable) and [`verify`](crate::verify) refuse it.
    pub fn parse(pem: &str) -> Result<Self, KeyError> {
        let (mut keys, mut block) = (vec![], None);
        for line in pem.lines().map(str::trim) {
            let torn = KeyError::Torn { number: keys.len() + 1 };
            if line.starts_with(BEGIN) {
                if block.replace(format!("{line}\n")).is_some() {
                    return Err(torn);
                }
            } else if line.starts_with(END) {
                let whole = block.take().ok_or(torn)? + line + "\n";
                keys.push(key(&whole, keys.len() + 1)?);
            } else if let Some(block) = &mut block {
                block.push_str(line);
                block.push('\n');
            }
        }
        match block {
            Some(_) => Err(KeyError::Torn { number: keys.len() + 1 }),
            None if keys.is_empty() => Err(KeyError::None),
            None => Ok(Self(keys)),
        }
    }

    /// The keys, if all of them are real: asked before anything is fetched that only a key can make trustworthy.
    ///
    /// # Errors
    ///
    /// [`KeyError::Placeholder`]. One is enough, beside real keys too: a release like that was cut by mistake.
    pub fn usable(&self) -> Result<impl Iterator<Item = &VerifyingKey>, KeyError> {
        if self.0.iter().any(|key| matches!(key, Key::Placeholder)) {
            return Err(KeyError::Placeholder);
        }
        Ok(self.0.iter().filter_map(|key| match key {
            Key::Placeholder => None,
            Key::Public(key) => Some(&**key),
        }))
    }
}

fn key(block: &str, number: usize) -> Result<Key, KeyError> {
    let mut lines = block.lines();
    let label = lines.next().and_then(|first| first.strip_prefix(BEGIN)).unwrap_or_default();
    if lines.next() == Some(PLACEHOLDER) {
        return Ok(Key::Placeholder);
    }
    let other = |_| KeyError::OtherKind { number, label: label.trim_end_matches('-').to_owned() };
    VerifyingKey::from_public_key_pem(block).map(|key| Key::Public(Box::new(key))).map_err(other)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // openssl ecparam -name prime256v1 -genkey -noout | openssl pkey -pubout
    const P256: &str = include_str!("keys/p256.pub");
    const P384: &str = include_str!("keys/p384.pub");
    const RSA: &str = include_str!("keys/rsa.pub");
    const ED25519: &str = include_str!("keys/ed25519.pub");
    const PLACEHOLDER: &str = "-----BEGIN PUBLIC KEY-----\nPLACEHOLDER\n-----END PUBLIC KEY-----\n";

    fn usable(pem: &str) -> Result<usize, String> {
        let keys = Keys::parse(pem).map_err(|error| error.to_string())?;
        keys.usable().map(Iterator::count).map_err(|error| error.to_string())
    }

    #[test]
    fn keys_are_read_with_what_stands_around_them() {
        assert_eq!(usable(P256), Ok(1));
        assert_eq!(usable(&format!("the old one\n{P256}\nthe new one\n{P256}")), Ok(2));
        assert_eq!(usable(&P256.replace('\n', "\r\n")), Ok(1));
        assert_eq!(usable(&P256.replace('\n', "\n  ")), Ok(1));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let torn = "public key 1 is not whole";
        let other = |label: &str| format!("public key 1 ({label}) is none of ECDSA on P-256");
        assert_eq!(usable("").unwrap_err(), "there is no public key");
        assert_eq!(usable("-----BEGIN PUBLIC KEY-----\n").unwrap_err(), torn);
        assert_eq!(usable("-----END PUBLIC KEY-----\n").unwrap_err(), torn);
        assert_eq!(usable(&format!("-----BEGIN PUBLIC KEY-----\n{P256}")).unwrap_err(), torn);
        for pem in [P384, RSA, ED25519, "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"] {
            assert_eq!(usable(pem).unwrap_err(), other("PUBLIC KEY"), "{pem}");
        }
        assert_eq!(usable(&P256.replace("PUBLIC", "PRIVATE")).unwrap_err(), other("PRIVATE KEY"));
    }

    #[test]
    fn a_placeholder_refuses_loudly_and_beside_a_key_too() {
        for pem in [PLACEHOLDER.to_owned(), format!("{P256}{PLACEHOLDER}")] {
            let error = usable(&pem).unwrap_err();
            let expected = "the maintainer must replace it and re-cut a release before update can proceed";
            assert!(error.ends_with(expected), "{error}");
        }
    }

    proptest! {
        #[test]
        fn random_text_never_panics(text: String, lines in "(-----(BEGIN|END) PUBLIC KEY-----\n|[A-Za-z=]{0,64}\n){0,8}") {
            let _ = Keys::parse(&text);
            let _ = Keys::parse(&lines);
        }
    }
}
