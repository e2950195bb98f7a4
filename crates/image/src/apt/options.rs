//! Options of the host's apt that decide whether an archive can be reached and trusted here.

use crate::{Fault, Job, tool::Tool};

/// Options, and groups of them, that are passed on: how to reach an archive, and how old it may be. What
/// would lift the check of signatures is not among them.
const PASSED_ON: [&str; 12] = [
    "Acquire::http",
    "Acquire::https",
    "Acquire::ftp",
    "Acquire::Proxy",
    "Acquire::Retries",
    "Acquire::Queue-Mode",
    "Acquire::ForceIPv4",
    "Acquire::ForceIPv6",
    "Acquire::Check-Valid-Until",
    "Acquire::Check-Date",
    "Acquire::Max-ValidTime",
    "Acquire::Max-FutureTime",
];

/// Reads the options of the host's apt that matter, as lines of an apt.conf.
pub(crate) fn host_options(job: &Job) -> Result<Vec<String>, Fault> {
    let dump = Tool::new("apt-config", "apt")?.arg("dump").quiet().run(job)?;
    Ok(passed_on(&String::from_utf8_lossy(&dump.stdout)))
}

fn passed_on(dump: &str) -> Vec<String> {
    let is_passed = |line: &&str| {
        let name = line.split_whitespace().next().unwrap_or_default();
        let fits = PASSED_ON.iter().any(|option| {
            let rest = name.get(..option.len()).filter(|head| head.eq_ignore_ascii_case(option));
            rest.is_some() && (name.len() == option.len() || name[option.len()..].starts_with("::"))
        });
        fits && !line.ends_with("\"\";")
    };
    dump.lines().filter(is_passed).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_and_dates_are_passed_on_and_trust_is_not() {
        let dump = "APT::Architecture \"amd64\";\n\
            Acquire \"\";\n\
            Acquire::http \"\";\n\
            Acquire::http::Proxy \"http://proxy:3128\";\n\
            Acquire::HTTPS::CAInfo \"/etc/ca.pem\";\n\
            Acquire::httpx \"1\";\n\
            Acquire::Check-Valid-Until \"false\";\n\
            Acquire::AllowInsecureRepositories \"1\";\n\
            APT::Get::AllowUnauthenticated \"1\";\n";
        let want = [
            "Acquire::http::Proxy \"http://proxy:3128\";",
            "Acquire::HTTPS::CAInfo \"/etc/ca.pem\";",
            "Acquire::Check-Valid-Until \"false\";",
        ];
        assert_eq!(passed_on(dump), want);
    }
}
