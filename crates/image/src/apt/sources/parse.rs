//! Reads sources.list(5), in both of its formats.

use std::{fs, path::Path};

use super::source_files;

/// One archive that the host asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) uris: Vec<String>,
    pub(super) suites: Vec<String>,
    pub(super) components: Vec<String>,
    /// A keyring, or the key itself, as it stands in the file.
    pub(super) signed_by: Option<String>,
}

/// Reads all that are enabled; files that cannot be read hold none.
pub(super) fn read_all(etc_apt: &Path) -> Vec<Entry> {
    let mut entries = vec![];
    for path in source_files(etc_apt) {
        let text = fs::read_to_string(&path).unwrap_or_default();
        if path.extension().is_some_and(|end| end == "sources") {
            entries.extend(deb822(&text));
        } else {
            entries.extend(text.lines().filter_map(one_line));
        }
    }
    entries.retain(|entry| entry.uris.iter().all(|uri| !uri.starts_with("cdrom:")));
    entries
}

/// `deb [signed-by=/k] http://mirror/debian bookworm main contrib`
fn one_line(line: &str) -> Option<Entry> {
    let line = line.split('#').next()?.trim();
    let rest = line.strip_prefix("deb").filter(|rest| rest.starts_with([' ', '\t']))?.trim_start();
    let (options, rest) = match rest.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => ("", rest),
    };
    let mut words = rest.split_whitespace().map(str::to_owned);
    let (uri, suite) = (words.next()?, words.next()?);
    let option = |name: &str| {
        options.split_whitespace().find_map(|option| option.strip_prefix(name)?.strip_prefix('='))
    };
    if option("arch").is_some_and(|arch| !arch.split(',').any(|arch| arch == "amd64")) {
        return None;
    }
    let signed_by = option("signed-by").map(str::to_owned);
    Some(Entry { uris: vec![uri], suites: vec![suite], components: words.collect(), signed_by })
}

fn deb822(text: &str) -> Vec<Entry> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    lines.split(|line| line.trim().is_empty()).filter_map(stanza).collect()
}

fn stanza(lines: &[&str]) -> Option<Entry> {
    let mut fields: Vec<(String, String)> = vec![];
    for line in lines {
        match line.split_once(':') {
            Some((name, value)) if !line.starts_with([' ', '\t']) => {
                fields.push((name.trim().to_lowercase(), value.trim().to_owned()));
            }
            // A line that goes on keeps its indent: a key within the file needs it.
            _ => fields.last_mut()?.1.extend(["\n ", line.trim()]),
        }
    }
    let field = |name: &str| fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str());
    let words = |name: &str| -> Vec<String> {
        field(name).unwrap_or_default().split_whitespace().map(str::to_owned).collect()
    };
    let is_off =
        field("enabled").is_some_and(|value| matches!(value.to_lowercase().as_str(), "no" | "false" | "0"));
    let is_for_us =
        field("architectures").is_none_or(|list| list.split_whitespace().any(|arch| arch == "amd64"));
    if is_off || !is_for_us || !words("types").iter().any(|kind| kind == "deb") {
        return None;
    }
    Some(Entry {
        uris: words("uris"),
        suites: words("suites"),
        components: words("components"),
        signed_by: field("signed-by").map(str::to_owned),
    })
    .filter(|entry| !entry.uris.is_empty() && !entry.suites.is_empty())
}
