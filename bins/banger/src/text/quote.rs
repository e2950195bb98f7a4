//! Arguments for a shell at the other end.

/// Quotes one argument so that a POSIX shell reads it as exactly this one word.
pub(crate) fn shell_quote(argument: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:=@%+,".contains(&byte);
    if !argument.is_empty() && argument.bytes().all(is_plain) {
        return argument.to_owned();
    }
    format!("'{}'", argument.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const ARGUMENTS: &[&str] = &[
        "",
        "plain",
        "two words",
        "it's",
        "''",
        "$HOME `id` $(id)",
        "a\nb",
        "\\",
        "\"",
        "!!",
        "*",
        "~",
        "é",
        "-n",
        "#",
        "a;b&c|d<e>f",
        "{a,b}",
        "exit 42",
    ];

    #[test]
    fn a_real_shell_reads_each_as_one_word() {
        for shell in ["sh", "bash"] {
            let line: Vec<String> = ARGUMENTS.iter().map(|argument| shell_quote(argument)).collect();
            let script = format!(r"printf '%s\0' {}", line.join(" "));
            let output = Command::new(shell).args(["-c", &script]).output().unwrap();
            let read = String::from_utf8(output.stdout).unwrap();
            let read: Vec<&str> = read.strip_suffix('\0').unwrap().split('\0').collect();
            assert_eq!(read, ARGUMENTS, "{shell}");
        }
    }

    #[test]
    fn what_needs_no_quotes_gets_none() {
        assert_eq!(shell_quote("/usr/bin/env"), "/usr/bin/env");
        assert_eq!(shell_quote("it's"), r"'it'\''s'");
    }
}
