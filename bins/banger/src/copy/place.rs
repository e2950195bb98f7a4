//! What `SRC` and `DST` mean.

use std::path::PathBuf;

use super::CopyError;

/// The directory in which a relative path of a machine begins.
const HOME: &str = "/root";

/// One side of a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A path in a machine, absolute.
    Machine {
        /// The machine, as it was given.
        machine: String,
        /// The path, as text: a guest's paths are asked for over HTTP.
        path: String,
    },
    /// A path here.
    Here(PathBuf),
}

impl Place {
    /// Reads `name:/path`, or a path here. A path here with a colon in it is given as `./a:b`.
    pub(crate) fn read(text: &str) -> Self {
        let Some((machine, path)) = text.split_once(':') else {
            return Self::Here(text.into());
        };
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if machine.is_empty() || !machine.bytes().all(is_name) {
            return Self::Here(text.into());
        }
        let path = if path.starts_with('/') { path.to_owned() } else { format!("{HOME}/{path}") };
        Self::Machine { machine: machine.to_owned(), path }
    }
}

/// Which way a copy goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// From here into a machine.
    In { from: PathBuf, machine: String, to: String },
    /// From a machine to here.
    Out { machine: String, from: String, to: PathBuf },
}

impl Way {
    /// Reads both sides.
    pub(crate) fn read(from: &str, to: &str) -> Result<Self, CopyError> {
        match (Place::read(from), Place::read(to)) {
            (Place::Here(from), Place::Machine { machine, path }) => Ok(Self::In { from, machine, to: path }),
            (Place::Machine { machine, path }, Place::Here(to)) => Ok(Self::Out { machine, from: path, to }),
            (Place::Machine { .. }, Place::Machine { .. }) => Err(CopyError::TwoMachines),
            (Place::Here(_), Place::Here(_)) => {
                Err(CopyError::NoMachine { from: from.to_owned(), to: to.to_owned() })
            }
        }
    }
}

/// Where a copy lands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Landing {
    /// The directory, which is there.
    pub(crate) dir: String,
    /// The name in it; `None` where the source's contents land in the directory itself.
    pub(crate) name: Option<String>,
}

impl Landing {
    /// Decides as `cp -r` does: into a directory that is there, under the source's own name; else under
    /// the name given. `None` for the name takes the contents.
    pub(crate) fn of(to: &str, to_is_dir: bool, name: Option<&str>) -> Result<Self, CopyError> {
        let no_dir = || CopyError::NotADirectory { path: to.to_owned() };
        match name {
            _ if to.is_empty() => Err(CopyError::NoName { path: to.to_owned() }),
            name if to_is_dir => Ok(Self { dir: to.to_owned(), name: name.map(str::to_owned) }),
            None => Err(no_dir()),
            Some(_) if to.ends_with('/') => Err(no_dir()),
            Some(_) => {
                let (dir, name) = to
                    .rsplit_once('/')
                    .map_or((".", to), |(dir, name)| (if dir.is_empty() { "/" } else { dir }, name));
                if matches!(name, "." | "..") {
                    return Err(no_dir());
                }
                Ok(Self { dir: dir.to_owned(), name: Some(name.to_owned()) })
            }
        }
    }
}

/// Whether the source means what is in it: `dir/.`, `.`, `..`, `/`.
pub(crate) fn is_contents(path: &str) -> bool {
    let last = path.rsplit('/').find(|part| !part.is_empty());
    path.ends_with("/.") || matches!(last, None | Some("." | ".."))
}

/// The last component of a path that [`is_contents`] says has one.
pub(crate) fn name_of(path: &str) -> Result<&str, CopyError> {
    let last = path.trim_end_matches('/').rsplit('/').next().filter(|name| !name.is_empty());
    last.ok_or_else(|| CopyError::NoName { path: path.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_is_in_a_machine_if_it_begins_with_its_name() {
        let machine =
            |machine: &str, path: &str| Place::Machine { machine: machine.into(), path: path.into() };
        for (text, want) in [
            ("box:/srv", machine("box", "/srv")),
            ("box:", machine("box", "/root/")),
            ("box:notes", machine("box", "/root/notes")),
            ("box:/a:b", machine("box", "/a:b")),
            ("a", Place::Here("a".into())),
            ("./a:b", Place::Here("./a:b".into())),
            ("/a:b", Place::Here("/a:b".into())),
            ("Box:/a", Place::Here("Box:/a".into())),
            (":/a", Place::Here(":/a".into())),
            ("", Place::Here("".into())),
        ] {
            assert_eq!(Place::read(text), want, "{text:?}");
        }
    }

    #[test]
    fn exactly_one_side_is_in_a_machine() {
        assert!(matches!(Way::read("a", "box:/b"), Ok(Way::In { .. })));
        assert!(matches!(Way::read("box:/b", "a"), Ok(Way::Out { .. })));
        assert!(matches!(Way::read("box:/b", "web:/b"), Err(CopyError::TwoMachines)));
        assert!(matches!(Way::read("a", "b"), Err(CopyError::NoMachine { .. })));
    }

    #[test]
    fn copies_land_where_cp_puts_them() {
        // to, whether that is a directory, the source's name → directory and name, or nowhere
        type Lands = Option<(&'static str, Option<&'static str>)>;
        let table: &[(&str, bool, Option<&str>, Lands)] = &[
            ("/srv", true, Some("a"), Some(("/srv", Some("a")))),
            ("/srv/", true, Some("a"), Some(("/srv/", Some("a")))),
            ("/srv/new", false, Some("a"), Some(("/srv", Some("new")))),
            ("/new", false, Some("a"), Some(("/", Some("new")))),
            ("new", false, Some("a"), Some((".", Some("new")))),
            ("dir/new", false, Some("a"), Some(("dir", Some("new")))),
            ("/srv/new/", false, Some("a"), None),
            ("/srv/..", false, Some("a"), None),
            ("", false, Some("a"), None),
            ("/srv", true, None, Some(("/srv", None))),
            ("/srv", false, None, None),
        ];
        for (to, is_dir, name, want) in table {
            let found = Landing::of(to, *is_dir, *name).ok();
            let found = found.as_ref().map(|landing| (landing.dir.as_str(), landing.name.as_deref()));
            assert_eq!(found, *want, "{to:?} {is_dir} {name:?}");
        }
    }

    #[test]
    fn a_source_is_taken_by_its_name_or_for_its_contents() {
        for (path, contents) in [
            ("a", false),
            ("a/", false),
            ("a/b", false),
            (".hidden", false),
            ("a/.", true),
            (".", true),
            ("..", true),
            ("a/..", true),
            ("./", true),
            ("/", true),
        ] {
            assert_eq!(is_contents(path), contents, "{path:?}");
        }
        assert_eq!(name_of("a/b/").unwrap(), "b");
        assert_eq!(name_of("b").unwrap(), "b");
    }
}
