//! Who says that a SHA256SUMS is genuine.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use model::Class;
use p256::ecdsa::{Signature, signature::Verifier as _};

use crate::{KeyError, Keys, Sums, SumsError, Verified, limits::SIGNATURE_BYTES_MAX};

/// Why a file is no signature.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// It is longer than [`SIGNATURE_BYTES_MAX`].
    #[error("the signature is longer than {SIGNATURE_BYTES_MAX} bytes")]
    TooLong,
    /// It is empty.
    #[error("the signature is empty")]
    Empty,
    /// It is not base64.
    #[error("the signature is not base64")]
    NotBase64,
    /// What base64 holds is no signature.
    #[error("the signature is not ASN.1 of an ECDSA signature on P-256")]
    NotSignature,
}

/// Why a SHA256SUMS is not believed.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// There is no key to believe.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The signature is none.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// No trusted key made it.
    #[error("the signature of SHA256SUMS was made by none of the keys that this banger trusts")]
    Untrusted,
    /// What was signed is no SHA256SUMS.
    #[error(transparent)]
    Sums(#[from] SumsError),
}

impl VerifyError {
    /// Whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        Class::Refused
    }

    /// One sentence that tells the user what to do, if there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Keys(error) => error.hint(),
            _ => None,
        }
    }
}

/// Believes a SHA256SUMS because of its signature. In this order, so that nothing is read of bytes that nobody vouches
/// for:
///
/// 1. every key is real;
/// 2. `signature` is base64 (RFC 4648 §4, with or without line breaks) of a DER `Ecdsa-Sig-Value` (RFC 3279 §2.2.3);
/// 3. for one of the keys it is a signature (FIPS 186-5 §6.4.2, P-256) over the SHA-256 of `sums`;
/// 4. `sums` is a SHA256SUMS.
///
/// That is what `cosign sign-blob --key` writes, and `openssl dgst -sha256 -sign KEY | base64`.
///
/// # Errors
///
/// The first of the four that does not hold.
pub fn verify(keys: &Keys, sums: &[u8], signature: &[u8]) -> Result<Verified<Sums>, VerifyError> {
    let mut keys = keys.usable()?;
    let signature = parse(signature)?;
    if !keys.any(|key| key.verify(sums, &signature).is_ok()) {
        return Err(VerifyError::Untrusted);
    }
    Ok(Verified::new(Sums::parse(sums)?))
}

fn parse(text: &[u8]) -> Result<Signature, SignatureError> {
    if text.len() as u64 > SIGNATURE_BYTES_MAX {
        return Err(SignatureError::TooLong);
    }
    let digits: Vec<u8> = text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    if digits.is_empty() {
        return Err(SignatureError::Empty);
    }
    let der = STANDARD.decode(digits).map_err(|_| SignatureError::NotBase64)?;
    Signature::from_der(&der).map_err(|_| SignatureError::NotSignature)
}

#[cfg(test)]
mod tests {
    use p256::{
        ecdsa::{SigningKey, signature::Signer as _},
        pkcs8::{EncodePublicKey as _, LineEnding},
    };
    use proptest::prelude::*;

    use super::*;

    const SUMS: &[u8] = b"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  banger\n";

    fn signing_key(seed: u8) -> SigningKey {
        SigningKey::from_slice(&[seed; 32]).unwrap()
    }

    fn public(key: &SigningKey) -> String {
        key.verifying_key().to_public_key_pem(LineEnding::LF).unwrap()
    }

    fn sign(key: &SigningKey, message: &[u8]) -> String {
        let signature: Signature = key.sign(message);
        STANDARD.encode(signature.to_der())
    }

    fn check(keys: &str, sums: &[u8], signature: &str) -> Result<(), String> {
        let keys = Keys::parse(keys).unwrap();
        verify(&keys, sums, signature.as_bytes()).map(|_| ()).map_err(|error| error.to_string())
    }

    const UNTRUSTED: &str =
        "the signature of SHA256SUMS was made by none of the keys that this banger trusts";

    #[test]
    fn any_of_the_keys_may_have_signed() {
        let (old, new, strange) = (signing_key(1), signing_key(2), signing_key(3));
        let keys = public(&old) + &public(&new);
        assert_eq!(check(&keys, SUMS, &sign(&old, SUMS)), Ok(()));
        assert_eq!(check(&keys, SUMS, &sign(&new, SUMS)), Ok(()));
        assert_eq!(check(&keys, SUMS, &sign(&strange, SUMS)).unwrap_err(), UNTRUSTED);
        assert_eq!(check(&keys, b"other", &sign(&new, SUMS)).unwrap_err(), UNTRUSTED);
    }

    /// The second half of a signature may be negated; openssl writes either, and both are valid.
    #[test]
    fn either_of_the_two_forms_of_a_signature_is_accepted() {
        let key = signing_key(1);
        let signature: Signature = key.sign(SUMS);
        let (r, s) = signature.split_scalars();
        let other = Signature::from_scalars(*r, -*s).unwrap();
        assert_ne!(signature, other);
        for one in [signature, other] {
            assert_eq!(check(&public(&key), SUMS, &STANDARD.encode(one.to_der())), Ok(()));
        }
    }

    #[test]
    fn line_breaks_do_not_matter() {
        let key = signing_key(1);
        let text = sign(&key, SUMS);
        let (head, tail) = text.split_at(64);
        for text in [format!("{text}\n"), format!("{head}\n{tail}\n"), format!(" {head}\r\n{tail}")] {
            assert_eq!(check(&public(&key), SUMS, &text), Ok(()), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_signature_is_refused_by_name() {
        let key = public(&signing_key(1));
        let raw = STANDARD.encode([7; 64]);
        for (text, expected) in [
            ("", "the signature is empty"),
            ("\n", "the signature is empty"),
            ("not base64!", "the signature is not base64"),
            ("AAAA", "the signature is not ASN.1 of an ECDSA signature on P-256"),
            (&raw, "the signature is not ASN.1 of an ECDSA signature on P-256"),
            (&"A".repeat(1025), "the signature is longer than 1024 bytes"),
        ] {
            assert_eq!(check(&key, SUMS, text).unwrap_err(), expected, "{text:?}");
        }
    }

    #[test]
    fn what_was_signed_must_still_be_a_list() {
        let key = signing_key(1);
        let text = b"hello";
        let error = check(&public(&key), text, &sign(&key, text)).unwrap_err();
        assert_eq!(error, "line 1 of SHA256SUMS is no entry");
    }

    proptest! {
        #[test]
        fn random_bytes_are_refused(signature: Vec<u8>, der: Vec<u8>) {
            let keys = Keys::parse(&public(&signing_key(1))).unwrap();
            prop_assert!(verify(&keys, SUMS, &signature).is_err());
            prop_assert!(verify(&keys, SUMS, STANDARD.encode(der).as_bytes()).is_err());
        }

        /// Whatever byte is changed, of what was signed or of the signature.
        #[test]
        fn no_byte_can_be_changed(at in 0..SUMS.len(), bit in 0_u8..8) {
            let key = signing_key(1);
            let (signature, keys) = (sign(&key, SUMS), Keys::parse(&public(&key)).unwrap());
            let mut sums = SUMS.to_vec();
            sums[at] ^= 1 << bit;
            prop_assert!(verify(&keys, &sums, signature.as_bytes()).is_err());
            let mut der = STANDARD.decode(&signature).unwrap();
            let last = der.len() - 1;
            der[at.min(last)] ^= 1 << bit;
            prop_assert!(verify(&keys, SUMS, STANDARD.encode(der).as_bytes()).is_err());
        }
    }
}
