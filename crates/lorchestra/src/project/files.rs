//! Reads folders of texts, in a fixed order, without following links out of them.

use std::path::Path;

use super::ProjectError;

/// The text of one file.
pub(super) fn read(path: &Path) -> Result<String, ProjectError> {
    std::fs::read_to_string(path)
        .map_err(|source| ProjectError::Read { path: path.display().to_string(), source })
}

/// All files below `root` with one of these endings: path relative to `root` with `/`, and text. Sorted by path, so
/// that what depends on the order is the same on every machine. A folder that does not exist holds nothing.
pub(super) fn texts(root: &Path, endings: &[&str]) -> Result<Vec<(String, String)>, ProjectError> {
    let mut found = Vec::new();
    if root.is_dir() {
        walk(root, "", endings, &mut found)?;
    }
    found.sort();
    Ok(found)
}

fn walk(
    folder: &Path,
    prefix: &str,
    endings: &[&str],
    found: &mut Vec<(String, String)>,
) -> Result<(), ProjectError> {
    let fail = |source| ProjectError::Read { path: folder.display().to_string(), source };
    for entry in std::fs::read_dir(folder).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let kind = entry.file_type().map_err(fail)?;
        if kind.is_dir() && !name.starts_with('.') {
            walk(&entry.path(), &format!("{path}/"), endings, found)?;
        } else if kind.is_file() && endings.iter().any(|ending| name.ends_with(&format!(".{ending}"))) {
            found.push((path, read(&entry.path())?));
        }
    }
    Ok(())
}
