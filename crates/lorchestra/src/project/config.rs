//! `lorchestra.yaml`: parsed once, every key enforced or refused, with its place.

use lorchestra_core::diagnostic::{Diagnostic, Diagnostics, Source, Span, codes, did_you_mean};
use lorchestra_core::yaml::{self, Node};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use storacle_client::table::TableSchema;

/// The file's name.
pub const CONFIG_FILE: &str = "lorchestra.yaml";

const KEYS: [&str; 5] = ["jobs", "profile", "profiles", "schema", "load"];
const NOT_BUILT: [&str; 6] = ["handlers", "secrets", "events", "server", "compute", "limits"];

/// The settings of a project under one profile.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The folder of jobs, relative to the project.
    pub jobs: String,
    /// The profile's name.
    pub profile_name: String,
    /// What it stands for.
    pub profile: Profile,
    /// Declared tables: created on first write.
    pub schema: Vec<TableSchema>,
    /// Declared loads, by name in the order written.
    pub load: Vec<(String, LoadDeclaration)>,
}

/// Which stores a profile's name stands for. Paths are relative to the project.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Profile {
    /// Where runs are kept.
    pub store: StoreConfig,
    /// Where tables are kept.
    pub data_plane: DataPlaneConfig,
}

/// The run store.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreConfig {
    /// The file.
    pub sqlite: String,
    /// Whether a commit survives a power cut.
    #[serde(default)]
    pub synchronous: Synchronous,
}

/// The data plane.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataPlaneConfig {
    /// The file.
    pub sqlite: String,
}

/// How durable a commit of the run store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Synchronous {
    /// Survives a power cut.
    #[default]
    Full,
    /// Survives the end of the process; a power cut may lose the last commits, whole and in order.
    Normal,
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            store: StoreConfig { sqlite: ".lorchestra/runs.db".into(), synchronous: Synchronous::Full },
            data_plane: DataPlaneConfig { sqlite: "data/warehouse.db".into() },
        }
    }
}

/// A file that `lorchestra load NAME` brings into a table of raw objects.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadDeclaration {
    /// The file, relative to the project: `.ndjson`, `.json` or `.csv`.
    pub file: String,
    /// `dataset.table`.
    pub table: String,
    /// First part of every idem key.
    pub source_system: String,
    /// Second part.
    pub connection_name: String,
    /// Third part.
    pub object_type: String,
    /// The member of each item that is the last part.
    pub id_field: String,
    /// Whether the whole item becomes the column `payload`.
    #[serde(default)]
    pub payload_wrap: bool,
}

/// Parses the settings, with `profile` in place of the one they name.
pub(super) fn parse(source: &Source, profile: Option<&str>) -> Result<Config, Diagnostics> {
    let mut diagnostics = Diagnostics::default();
    let node = yaml::parse(source, &mut diagnostics);
    let mut reader = Reader { source, diagnostics };
    let config = node.and_then(|node| reader.config(&node, profile));
    match config {
        Some(config) if !reader.diagnostics.has_errors() => Ok(config),
        _ => Err(reader.diagnostics),
    }
}

struct Reader<'a> {
    source: &'a Source,
    diagnostics: Diagnostics,
}

impl Reader<'_> {
    fn config(&mut self, node: &Node, wanted: Option<&str>) -> Option<Config> {
        let entries = match (node.as_map(), node.type_name()) {
            (Some(entries), _) => entries,
            (None, "null") => &[],
            (None, other) => {
                self.error(codes::WRONG_TYPE, format!("the settings must be a map, got {other}"), node.span);
                return None;
            }
        };
        for (key, _) in entries {
            let name = key.name.as_str();
            if NOT_BUILT.contains(&name) {
                self.error(codes::NOT_SUPPORTED_YET, format!("'{name}' is not supported yet"), key.span);
            } else if !KEYS.contains(&name) {
                let diagnostic = Diagnostic::error(codes::UNKNOWN_KEY, format!("unknown setting '{name}'"))
                    .at(self.source, key.span)
                    .help(format!("settings are: {}", KEYS.join(", ")))
                    .maybe_help(did_you_mean(name, KEYS));
                self.diagnostics.push(diagnostic);
            }
        }
        let profiles: Vec<(String, Profile)> = self.named(node, "profiles");
        let profile_name = match wanted {
            Some(name) => name.to_owned(),
            None => self.value(node, "profile").unwrap_or_else(|| "dev".to_owned()),
        };
        let found =
            profiles.iter().find(|(name, _)| *name == profile_name).map(|(_, profile)| profile.clone());
        let profile = match found {
            Some(profile) => profile,
            None if profiles.is_empty() && profile_name == "dev" => Profile::default(),
            None => {
                let names: Vec<&str> = profiles.iter().map(|(name, _)| name.as_str()).collect();
                let span = node.get("profile").map_or(Span::START, |node| node.span);
                self.error(
                    codes::INVALID_VALUE,
                    format!("Unknown profile: '{profile_name}'. Available: [{}]", names.join(", ")),
                    span,
                );
                return None;
            }
        };
        let schema = match node.get("schema") {
            None => Vec::new(),
            Some(list) => match list.as_seq() {
                Some(items) => items.iter().filter_map(|item| self.of(item, "schema")).collect(),
                None => {
                    self.error(
                        codes::WRONG_TYPE,
                        format!("'schema' must be a list of tables, got {}", list.type_name()),
                        list.span,
                    );
                    Vec::new()
                }
            },
        };
        let load = self.named(node, "load");
        let jobs = self.value(node, "jobs").unwrap_or_else(|| "jobs".to_owned());
        Some(Config { jobs, profile_name, profile, schema, load })
    }

    fn value<T: DeserializeOwned>(&mut self, node: &Node, key: &str) -> Option<T> {
        let node = node.get(key)?;
        self.of(node, key)
    }

    fn named<T: DeserializeOwned>(&mut self, node: &Node, key: &str) -> Vec<(String, T)> {
        let Some(section) = node.get(key) else { return Vec::new() };
        match section.as_map() {
            Some(entries) => entries
                .iter()
                .filter_map(|(name, value)| {
                    Some((name.name.clone(), self.of(value, &format!("{key}.{}", name.name))?))
                })
                .collect(),
            None => {
                self.error(
                    codes::WRONG_TYPE,
                    format!("'{key}' must be a map by name, got {}", section.type_name()),
                    section.span,
                );
                Vec::new()
            }
        }
    }

    fn of<T: DeserializeOwned>(&mut self, node: &Node, key: &str) -> Option<T> {
        match serde_json::from_value(node.to_json()) {
            Ok(value) => Some(value),
            Err(error) => {
                self.error(codes::INVALID_VALUE, format!("'{key}': {error}"), node.span);
                None
            }
        }
    }

    fn error(&mut self, code: lorchestra_core::diagnostic::Code, message: String, span: Span) {
        self.diagnostics.push(Diagnostic::error(code, message).at(self.source, span));
    }
}
