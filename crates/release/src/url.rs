//! Addresses that banger may fetch from.

use std::{fmt, net::IpAddr, str::FromStr};

use http::Uri;
use model::Class;
use serde::{Deserialize, Serialize};

/// An address that may be fetched: `https`, or `http` to this machine itself.
///
/// What is fetched from it is checked by its digest or its signature, so `https` keeps secret what is asked for and
/// spares a bad mirror's attempts; it is not what the trust in a release rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Url(Uri);

/// Why a text is no address to fetch from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{url:?} is not an address to fetch from: {why}")]
pub struct UrlError {
    url: String,
    why: &'static str,
}

/// The part of an offending address that an error repeats, in characters.
const URL_CHARS_MAX: usize = 200;

impl UrlError {
    fn new(url: &str, why: &'static str) -> Self {
        Self { url: url.chars().take(URL_CHARS_MAX).collect(), why }
    }

    /// Whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        Class::Refused
    }
}

impl Url {
    /// Reads a reference from a document that was fetched from `self`: an absolute address, a path from the root of
    /// the same server (`/banger/x`), or a path beside the document (`v1.2.3/x`). Paths with `.` or `..` are refused.
    ///
    /// # Errors
    ///
    /// The address is none, or none that may be fetched from.
    pub fn join(&self, reference: &str) -> Result<Self, UrlError> {
        let bad = |why| UrlError::new(reference, why);
        let before_path = reference.split(['/', '?', '#']).next().unwrap_or_default();
        if before_path.contains(':') {
            return reference.parse();
        }
        if reference.is_empty() {
            return Err(bad("it is empty"));
        }
        if reference.starts_with("//") {
            return Err(bad("it names a server and no scheme"));
        }
        let path = reference.split(['?', '#']).next().unwrap_or_default();
        if path.split('/').any(|part| part == "." || part == "..") {
            return Err(bad("its path goes up and down"));
        }
        let own = self.0.path();
        let dir =
            if reference.starts_with('/') { "" } else { own.rsplit_once('/').map_or("", |(dir, _)| dir) };
        let slash = if reference.starts_with('/') { "" } else { "/" };
        let origin = format!("{}://{}", self.scheme(), self.authority());
        format!("{origin}{dir}{slash}{reference}").parse()
    }

    /// Reads where a server says that a document has moved to.
    ///
    /// # Errors
    ///
    /// As [`join`](Self::join); and a server that is reached over `https` may not send on to one that is not.
    pub fn redirected(&self, location: &str) -> Result<Self, UrlError> {
        let to = self.join(location)?;
        if self.is_https() && !to.is_https() {
            return Err(UrlError::new(location, "it leads from https to http"));
        }
        Ok(to)
    }

    /// Whether what goes over the wire is encrypted.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.scheme() == "https"
    }

    /// Whether the name can belong to no server (RFC 2606 §2): what stands where none was set.
    #[must_use]
    pub fn is_nowhere(&self) -> bool {
        self.host().to_ascii_lowercase().ends_with(".invalid")
    }

    /// The server's name or number.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.host().unwrap_or_default()
    }

    fn scheme(&self) -> &str {
        self.0.scheme_str().unwrap_or_default()
    }

    fn authority(&self) -> &str {
        self.0.authority().map(http::uri::Authority::as_str).unwrap_or_default()
    }
}

fn is_loopback(host: &str) -> bool {
    let number = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || number.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

impl FromStr for Url {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let bad = |why| UrlError::new(text, why);
        let uri: Uri = text.parse().map_err(|_| bad("it is not written as one"))?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(bad("it must begin with https://"));
        };
        if authority.as_str().contains('@') {
            return Err(bad("it holds a user name"));
        }
        if authority.host().is_empty() {
            return Err(bad("it names no server"));
        }
        match scheme {
            "https" => Ok(Self(uri)),
            "http" if is_loopback(authority.host()) => Ok(Self(uri)),
            "http" => Err(bad("http is only for this machine itself; https is needed")),
            _ => Err(bad("it must begin with https://")),
        }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<String> for Url {
    type Error = UrlError;

    fn try_from(text: String) -> Result<Self, UrlError> {
        text.parse()
    }
}

impl From<Url> for String {
    fn from(url: Url) -> Self {
        url.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_https_or_this_machine() {
        for (text, ok) in [
            ("https://example.org/banger/manifest.json", true),
            ("https://example.org:8443/m.json?mirror=1", true),
            ("http://127.0.0.1:8080/manifest.json", true),
            ("http://[::1]:8080/manifest.json", true),
            ("http://localhost/manifest.json", true),
            ("http://example.org/manifest.json", false),
            ("http://127.0.0.1.example.org/", false),
            ("http://localhost.example.org/", false),
            ("http://127.0.0.1@example.org/", false),
            ("https://me:secret@example.org/", false),
            ("ftp://example.org/x", false),
            ("file:///etc/passwd", false),
            ("https:///x", false),
            ("/manifest.json", false),
            ("example.org", false),
            ("https://example.org/a b", false),
            ("https://example.org/\r\nHost: x", false),
            ("", false),
        ] {
            assert_eq!(text.parse::<Url>().is_ok(), ok, "{text:?}");
        }
    }

    #[test]
    fn a_reference_is_read_from_where_its_document_was() {
        let check = |reference: &str, expected: Option<&str>| {
            let base: Url = "https://example.org/banger/manifest.json?x=a/b".parse().unwrap();
            let joined = base.join(reference).map(|url| url.to_string());
            assert_eq!(joined.ok().as_deref(), expected, "{reference:?}");
        };
        check("v1.2.3/SHA256SUMS", Some("https://example.org/banger/v1.2.3/SHA256SUMS"));
        check("x?y=..", Some("https://example.org/banger/x?y=.."));
        check("/x", Some("https://example.org/x"));
        check("https://other.example/x", Some("https://other.example/x"));
        check("http://127.0.0.1/x", Some("http://127.0.0.1/x"));
        check("http://other.example/x", None);
        check("//other.example/x", None);
        check("../x", None);
        check("v1.2.3/../../x", None);
        check("file:/etc/passwd", None);
        check("a b", None);
        check("", None);
    }

    #[test]
    fn nothing_leads_from_https_to_http() {
        let from = |text: &str| text.parse::<Url>().unwrap();
        assert!(from("https://example.org/x").redirected("https://other.example/y").is_ok());
        assert!(from("http://127.0.0.1/x").redirected("https://other.example/y").is_ok());
        assert!(from("http://127.0.0.1/x").redirected("http://127.0.0.2/y").is_ok());
        let down = from("https://example.org/x").redirected("http://127.0.0.1/y").unwrap_err();
        assert!(down.to_string().ends_with("it leads from https to http"), "{down}");
    }
}
