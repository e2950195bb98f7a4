//! Root, as `/etc/passwd` tells. Read here and not through the C library, which would load the image's
//! modules for it into a static program.

use std::fs;

/// Who root is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Root {
    pub(super) name: String,
    pub(super) home: String,
    pub(super) shell: String,
}

/// Reads who root is; what is missing is as it is everywhere.
pub(super) fn root() -> Root {
    parse(&fs::read_to_string("/etc/passwd").unwrap_or_default())
}

fn parse(passwd: &str) -> Root {
    let entry = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let root = entry.into_iter().find(|fields| fields.len() >= 7 && fields[2] == "0").unwrap_or_default();
    let field = |index: usize, default: &str| {
        let field = root.get(index).filter(|field| !field.is_empty());
        field.map_or(default, |field| field).to_owned()
    };
    Root { name: field(0, "root"), home: field(5, "/root"), shell: field(6, "/bin/sh") }
}

/// Whether root's password is locked in a way that makes `sshd` refuse root unless PAM decides.
pub(super) fn is_root_locked() -> bool {
    let shadow = fs::read_to_string("/etc/shadow").unwrap_or_default();
    shadow.lines().any(|line| line.starts_with("root:!"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_who_has_the_number_0() {
        for (passwd, name, home, shell) in [
            ("root:x:0:0:root:/root:/bin/bash\n", "root", "/root", "/bin/bash"),
            ("daemon:x:1:1::/:/bin/false\ntoor:x:0:0::/home/toor:\n", "toor", "/home/toor", "/bin/sh"),
            ("root:x:0\n", "root", "/root", "/bin/sh"),
            ("", "root", "/root", "/bin/sh"),
        ] {
            let root = parse(passwd);
            assert_eq!((&*root.name, &*root.home, &*root.shell), (name, home, shell), "{passwd:?}");
        }
    }
}
