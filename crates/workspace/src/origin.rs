//! Where a repository came from, as a guest may know it.

/// Takes what logs somebody in out of an address: `https://name:secret@host/path` becomes `https://host/path`. The
/// name of an ssh account stays, since it is part of the address.
pub(crate) fn without_secrets(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, path) = rest.split_once('/').map_or((rest, None), |(host, path)| (host, Some(path)));
    let Some((account, host)) = authority.rsplit_once('@') else { return url.to_owned() };
    let name = account.split(':').next().unwrap_or_default();
    let authority = if scheme.contains("ssh") { format!("{name}@{host}") } else { host.to_owned() };
    path.map_or(format!("{scheme}://{authority}"), |path| format!("{scheme}://{authority}/{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_stay_here_and_addresses_go_along() {
        for (url, expected) in [
            ("https://example.org/a.git", "https://example.org/a.git"),
            ("https://name:secret@example.org/a.git", "https://example.org/a.git"),
            ("https://token@example.org:8443/a@b", "https://example.org:8443/a@b"),
            ("https://a@b:c@example.org/x", "https://example.org/x"),
            ("https://token@example.org", "https://example.org"),
            ("ssh://git@example.org/a", "ssh://git@example.org/a"),
            ("ssh://git:secret@example.org/a", "ssh://git@example.org/a"),
            ("git@example.org:a/b.git", "git@example.org:a/b.git"),
            ("../other", "../other"),
            ("/srv/git/a@b", "/srv/git/a@b"),
        ] {
            assert_eq!(without_secrets(url), expected, "{url}");
        }
    }
}
