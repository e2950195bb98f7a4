//! The modules of a kernel: what each needs, the lists that a guest's modprobe reads, and the disk that
//! carries them.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use super::{
    KernelError,
    closure::Catalogue,
    gather::Modules,
    modinfo::{ModInfo, plain_name},
};
use crate::{
    Job,
    ext4::{self, Kind, Layout, Meta},
    fault::At,
    tool::{self, Tool},
};

const LAYOUT: Layout = Layout { label: "banger-modules", journal_mib: 0, slack_bytes: 4 << 20 };

/// The package that has depmod.
const PACKAGE: &str = "kmod";

/// A module's name: its file's, without `.ko`.
fn name_of(path: &Path) -> String {
    plain_name(&path.file_stem().unwrap_or_default().to_string_lossy())
}

/// The paths of all modules, below the release's directory, in order.
pub(super) fn paths(modules: &Modules) -> Vec<PathBuf> {
    let files = modules.tree.metas().filter(|(_, meta)| meta.kind == Kind::File);
    let paths = files.map(|(path, _)| PathBuf::from(OsStr::from_bytes(path)));
    paths.filter(|path| path.extension().is_some_and(|end| end == "ko")).collect()
}

/// Reads what every module says of itself.
pub(super) fn catalogue(modules: &Modules) -> Result<Catalogue, KernelError> {
    let mut catalogue = Catalogue { builtin: builtin(modules), ..Catalogue::default() };
    for path in paths(modules) {
        let whole = modules.tree.dir().join(&path);
        let info = ModInfo::read(&fs::read(&whole).at("read", &whole)?).unwrap_or_default();
        catalogue.modules.insert(name_of(&path), info);
    }
    Ok(catalogue)
}

fn builtin(modules: &Modules) -> BTreeSet<String> {
    let text = fs::read_to_string(modules.tree.dir().join("modules.builtin")).unwrap_or_default();
    text.lines().map(|line| name_of(Path::new(line.trim()))).collect()
}

/// Reads a module's file by its name.
pub(super) fn read(modules: &Modules, name: &str) -> Result<Vec<u8>, KernelError> {
    let path = paths(modules).into_iter().find(|path| name_of(path) == name);
    let whole = modules.tree.dir().join(path.unwrap_or_else(|| format!("{name}.ko").into()));
    Ok(fs::read(&whole).at("read", &whole)?)
}

/// Writes the lists that modprobe reads. A package brings none, since its installation makes them.
pub(super) fn index(
    modules: &mut Modules,
    catalogue: &Catalogue,
    scratch: &Path,
    job: &Job,
) -> Result<(), KernelError> {
    let order = fs::read_to_string(modules.tree.dir().join("modules.order")).unwrap_or_default();
    let order = order.lines().map(|line| {
        let bare = [".xz", ".zst", ".gz"].iter().find_map(|end| line.strip_suffix(end));
        format!("{}\n", bare.unwrap_or(line))
    });
    put(modules, "modules.order", order.collect::<String>().as_bytes())?;
    if tool::find("depmod").is_none() {
        job.warn(format!(
            "modprobe in guests finds only what busybox's finds: this host has no depmod (package {PACKAGE})"
        ));
        return put(modules, "modules.dep", dep_text(modules, catalogue).as_bytes());
    }
    let base = scratch.join("base");
    Tool::new("depmod", PACKAGE)?.arg("-b").arg(&base).arg(&modules.release).run(job)?;
    let dir = modules.tree.dir().to_owned();
    for name in crate::objects::file_names(&dir)?.into_iter().filter(|name| name.starts_with("modules.")) {
        let path = dir.join(&name);
        let text = fs::read(&path).at("read", &path)?;
        put(modules, &name, &text)?;
    }
    Ok(())
}

fn put(modules: &mut Modules, name: &str, text: &[u8]) -> Result<(), KernelError> {
    let path = Path::new(name);
    let meta = Meta::root(Kind::File, 0o644);
    modules.tree.add_file(path, meta, &mut &text[..]).map_err(|error| KernelError::of_entry(path, error))
}

/// `kernel/fs/ext4/ext4.ko: kernel/fs/jbd2/jbd2.ko …`: everything that each needs, what loads first last.
fn dep_text(modules: &Modules, catalogue: &Catalogue) -> String {
    let paths: BTreeMap<String, PathBuf> =
        paths(modules).into_iter().map(|path| (name_of(&path), path)).collect();
    let line = |(name, path): (&String, &PathBuf)| {
        let mut words = vec![format!("{}:", path.display())];
        let needed = needed_by(catalogue, name);
        words.extend(needed.iter().filter_map(|name| Some(paths.get(name)?.display().to_string())));
        words.join(" ") + "\n"
    };
    paths.iter().map(line).collect::<Vec<_>>().concat()
}

fn needed_by(catalogue: &Catalogue, name: &str) -> Vec<String> {
    fn visit(catalogue: &Catalogue, name: &str, seen: &mut BTreeSet<String>, order: &mut Vec<String>) {
        for needed in catalogue.modules.get(name).into_iter().flat_map(|info| &info.depends) {
            if seen.insert(needed.clone()) {
                visit(catalogue, needed, seen, order);
                order.push(needed.clone());
            }
        }
    }
    let mut order = vec![];
    visit(catalogue, name, &mut BTreeSet::from([name.to_owned()]), &mut order);
    order.reverse();
    order
}

/// Makes the disk that guests mount at `/lib/modules/<release>`.
pub(super) fn make_disk(modules: &Modules, out: &Path, scratch: &Path, job: &Job) -> Result<(), KernelError> {
    Ok(ext4::make(&modules.tree, out, scratch, &LAYOUT, job)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_loads_first_stands_last() {
        let info = |depends: &[&str]| ModInfo {
            depends: depends.iter().map(|name| (*name).to_owned()).collect(),
            ..ModInfo::default()
        };
        let modules = [("a", info(&["b", "c"])), ("b", info(&["c"])), ("c", info(&["a"]))];
        let modules = modules.into_iter().map(|(name, info)| (name.to_owned(), info)).collect();
        let catalogue = Catalogue { modules, ..Catalogue::default() };
        assert_eq!(needed_by(&catalogue, "a"), ["b", "c"]);
        assert_eq!(needed_by(&catalogue, "x"), [""; 0]);
    }
}
