//! `K=V` for a command's environment.

use std::str::FromStr;

/// One variable of a command's environment: `NAME=VALUE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EnvVar {
    pub(crate) name: String,
    pub(crate) value: String,
}

impl FromStr for EnvVar {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = |why: &str| Err(format!("{text:?} is not a variable: {why}"));
        let Some((name, value)) = text.split_once('=') else {
            return bad("it must be NAME=VALUE");
        };
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let begins_well = name.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
        if !begins_well || !name.bytes().all(is_name) {
            return bad("its name must be of letters, digits and _, and not begin with a digit");
        }
        if value.contains('\0') {
            return bad("its value has a zero byte in it");
        }
        Ok(Self { name: name.to_owned(), value: value.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_name_and_value() {
        let table: &[(&str, Option<(&str, &str)>)] = &[
            ("A=b", Some(("A", "b"))),
            ("A=", Some(("A", ""))),
            ("A=b=c", Some(("A", "b=c"))),
            ("_x1=two words", Some(("_x1", "two words"))),
            ("HOME", None),
            ("=b", None),
            ("", None),
            ("1A=b", None),
            ("A B=c", None),
            ("A-B=c", None),
            ("A=\0", None),
        ];
        for (text, want) in table {
            let read = text.parse::<EnvVar>().ok();
            let read = read.as_ref().map(|var| (var.name.as_str(), var.value.as_str()));
            assert_eq!(read, *want, "{text:?}");
        }
    }
}
