//! An apt of our own: own lists, own cache; the host's keys, proxies and mirrors.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use super::Sources;
use crate::{
    Fault, Job,
    fault::At,
    tool::{Ended, Tool},
};

const UPDATE_LIMIT: Duration = Duration::from_mins(10);
const DOWNLOAD_LIMIT: Duration = Duration::from_mins(30);

/// One use of apt in a directory; needs neither root nor an earlier `apt-get update` of the host.
#[derive(Debug)]
pub(crate) struct PrivateApt {
    dir: PathBuf,
}

impl PrivateApt {
    /// Lays it out in a new directory.
    pub(crate) fn new(dir: &Path, sources: &Sources, suite: &str) -> Result<Self, Fault> {
        for part in ["state/lists/partial", "cache/archives/partial", "sources", "empty"] {
            let path = dir.join(part);
            fs::create_dir_all(&path).at("create", &path)?;
        }
        let this = Self { dir: dir.to_owned() };
        for (name, text) in [
            ("status", String::new()),
            ("sources/banger.sources", sources.to_deb822()),
            ("apt.conf", this.conf(suite)),
        ] {
            let path = dir.join(name);
            fs::write(&path, text).at("write", &path)?;
        }
        Ok(this)
    }

    fn conf(&self, suite: &str) -> String {
        // Quotes cannot be escaped in an apt.conf; the percent sign can.
        let dir = self.dir.display().to_string().replace('%', "%25").replace('"', "%22");
        let sandbox = if rustix::process::geteuid().is_root() {
            // apt's own user could not enter a private directory.
            "APT::Sandbox::User \"root\";\n"
        } else {
            ""
        };
        // A suite of its own, like backports, is preferred. The base is not: that would put it before its own
        // security fixes.
        let release =
            if suite.contains('-') { format!("APT::Default-Release \"{suite}\";\n") } else { String::new() };
        format!(
            "Dir::State \"{dir}/state\";\n\
             Dir::State::lists \"{dir}/state/lists\";\n\
             Dir::State::status \"{dir}/status\";\n\
             Dir::Cache \"{dir}/cache\";\n\
             Dir::Cache::archives \"{dir}/cache/archives\";\n\
             Dir::Etc::SourceList \"/dev/null\";\n\
             Dir::Etc::SourceParts \"{dir}/sources\";\n\
             Dir::Etc::Preferences \"/dev/null\";\n\
             Dir::Etc::PreferencesParts \"{dir}/empty\";\n\
             #clear APT::Update::Pre-Invoke;\n\
             #clear APT::Update::Post-Invoke;\n\
             #clear APT::Update::Post-Invoke-Success;\n\
             #clear Acquire::IndexTargets::deb::DEP-11;\n\
             #clear Acquire::IndexTargets::deb::Translations;\n\
             #clear Acquire::IndexTargets::deb::Contents-deb;\n\
             #clear APT::Architectures;\n\
             APT::Architecture \"amd64\";\n\
             APT::Architectures {{ \"amd64\"; }};\n\
             {release}\
             APT::Get::AllowUnauthenticated \"false\";\n\
             APT::Update::Error-Mode \"any\";\n\
             Acquire::AllowInsecureRepositories \"false\";\n\
             Acquire::Languages \"none\";\n\
             {sandbox}"
        )
    }

    fn tool(&self, program: &'static str) -> Result<Tool, Fault> {
        Ok(Tool::new(program, "apt")?
            .arg("-c")
            .arg(self.dir.join("apt.conf"))
            .arg("-q")
            .current_dir(&self.dir))
    }

    /// Fetches the archives' signed lists.
    pub(crate) fn update(&self, job: &Job) -> Result<Ended, Fault> {
        self.tool("apt-get")?.arg("update").limit(UPDATE_LIMIT).run(job)
    }

    /// Returns a field of the newest version of a package; `None` where the suite has no such package.
    pub(crate) fn field(&self, package: &str, field: &str, job: &Job) -> Result<Option<String>, Fault> {
        let tool = self.tool("apt-cache")?.args(["show", "--no-all-versions", package]);
        let ended = tool.quiet().ok_codes(&[0, 100]).run(job)?;
        let text = String::from_utf8_lossy(&ended.stdout).into_owned();
        let value = |line: &str| Some(line.strip_prefix(field)?.strip_prefix(": ")?.to_owned());
        Ok(text.lines().find_map(value))
    }

    /// Fetches a package, checked against the signed lists, and returns its file.
    pub(crate) fn download(&self, package: &str, job: &Job) -> Result<PathBuf, Fault> {
        let dir = self.dir.join("debs");
        fs::create_dir(&dir).at("create", &dir)?;
        self.tool("apt-get")?.args(["download", package]).current_dir(&dir).limit(DOWNLOAD_LIMIT).run(job)?;
        let found = crate::objects::file_names(&dir)?
            .into_iter()
            .find(|name| Path::new(name).extension().is_some_and(|end| end == "deb"));
        found.map(|name| dir.join(name)).ok_or_else(|| Fault::Program {
            program: "apt-get".to_owned(),
            status: "it downloaded nothing".to_owned(),
            tail: vec![],
        })
    }
}
