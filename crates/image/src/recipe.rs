//! What an image is built of. Recipes are part of the program.

use serde::Deserialize;

const TEXTS: [&str; 2] =
    [include_str!("../recipes/debian-bookworm.toml"), include_str!("../recipes/debian-small.toml")];

/// How to build an image from the distribution's archive.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Its name, and the image's unless another is given.
    pub name: String,
    /// What it makes, in a line.
    pub summary: String,
    /// The suite of the archive: `bookworm`.
    pub suite: String,
    /// The set of packages to begin with, as mmdebstrap names it.
    pub variant: String,
    /// Packages on top of these.
    pub packages: Vec<String>,
    /// Units that would only slow the boot of a machine, or fail in one.
    #[serde(default)]
    pub masked_units: Vec<String>,
    /// What packages are not to unpack, in dpkg's patterns.
    #[serde(default)]
    pub excluded_paths: Vec<String>,
    /// What is taken away when all is installed: paths, whose last part may end with `*`.
    #[serde(default)]
    pub removed_paths: Vec<String>,
    /// Files that are written when all is installed.
    #[serde(default)]
    pub files: Vec<RecipeFile>,
}

/// A file of a recipe.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecipeFile {
    /// Where it stands, from the root.
    pub path: String,
    /// What is in it.
    #[serde(default)]
    pub text: String,
    /// Its permissions.
    pub mode: u16,
}

impl Recipe {
    /// Every recipe that this release knows.
    #[must_use]
    pub fn all() -> Vec<Self> {
        TEXTS.iter().filter_map(|text| toml::from_str(text).ok()).collect()
    }

    /// Finds a recipe by its name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|recipe| recipe.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recipe_can_be_read_and_names_itself() {
        for text in TEXTS {
            toml::from_str::<Recipe>(text).unwrap();
        }
        let names: Vec<String> = Recipe::all().into_iter().map(|recipe| recipe.name).collect();
        assert_eq!(names, ["debian-bookworm", "debian-small"]);
        assert!(Recipe::find("debian-bookworm").is_some() && Recipe::find("x").is_none());
        assert!(names.iter().all(|name| name.parse::<model::ImageName>().is_ok()));
    }
}
