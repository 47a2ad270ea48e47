//! The extra key `config`: a file's name is replaced by the file's content. Reading the file is the caller's.

use super::model::JobDef;
use crate::diagnostic::{Span, Spanned, codes, quoted};
use crate::fields::Fields;
use crate::yaml::{Node, Value};

const KEY: &str = "config";

/// The file that `node`, the document of a job, names as its config.
pub(crate) fn named_in(document: &Node) -> Option<Spanned<&str>> {
    let node = document.get(KEY)?;
    let path = node.as_str().filter(|path| path.ends_with(".yaml") || path.ends_with(".yml"))?;
    Some(Spanned::new(path, node.span))
}

impl Fields<'_> {
    /// Refuses a config file that is not inside the jobs root.
    pub(super) fn config_path(&mut self, document: &Node) {
        let Some(path) = named_in(document) else { return };
        let why = if path.contains(['\\', ':']) {
            "holds '\\' or ':'; folders are separated by '/'"
        } else if path.starts_with('/') {
            "is absolute; it must be relative to the jobs root"
        } else if path.split('/').any(|part| part == "..") {
            "leaves the jobs root by '..'"
        } else if path.split('/').any(|part| part.is_empty() || part == ".") {
            "holds an empty or '.' folder"
        } else {
            return;
        };
        let message = format!("the config file {} {why}", quoted(&path));
        self.report(self.error(codes::CONFIG_FILE, message, path.span));
    }
}

impl JobDef {
    /// The file whose content belongs under `config`, relative to the jobs root, as long as it is not put in.
    ///
    /// It never leaves the jobs root by its text; that no link leads out is for whoever opens it to see to.
    #[must_use]
    pub fn config_file(&self) -> Option<Spanned<&str>> {
        if self.config_loaded { None } else { named_in(&self.document) }
    }

    /// The job with `content` in place of the name of its config file; nothing changes when it names none.
    #[must_use]
    pub fn with_config(mut self, content: Node) -> Self {
        if self.config_file().is_none() {
            return self;
        }
        if let Value::Map(entries) = &mut self.document.value {
            for (_, node) in entries.iter_mut().filter(|(key, _)| key.name == KEY) {
                node.value = content.value.clone();
            }
        }
        for (_, node) in self.extras.iter_mut().filter(|(key, _)| key.name == KEY) {
            // places in the other file would be taken for places in this one
            let place = node.span;
            *node = content.clone();
            place_all(node, place);
        }
        self.config_loaded = true;
        self
    }
}

fn place_all(node: &mut Node, span: Span) {
    node.span = span;
    match &mut node.value {
        Value::Seq(items) => items.iter_mut().for_each(|item| place_all(item, span)),
        Value::Map(entries) => entries.iter_mut().for_each(|(key, value)| {
            key.span = span;
            place_all(value, span);
        }),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Diagnostics, Source, Sources};
    use crate::yaml;

    fn text(config: &str) -> Source {
        Source::new(
            "t.yaml",
            &format!("job_id: t\nversion: '1'\nconfig: {config}\nsteps: [{{step_id: a, op: x}}]\n"),
        )
    }

    #[test]
    fn the_content_of_the_file_takes_the_place_of_its_name() {
        let job = JobDef::parse(&text("config/a.yaml"), None).unwrap();
        assert_eq!(job.config_file().map(|file| file.value), Some("config/a.yaml"));
        let content = Source::new("config/a.yaml", "k: [1, other.yaml]");
        let content = yaml::parse(&content, &mut Diagnostics::default()).unwrap();
        let job = job.with_config(content);
        assert!(job.config_file().is_none());
        assert_eq!(job.extras_json()["config"], serde_json::json!({"k": [1, "other.yaml"]}));
        assert_eq!(job.to_json()["config"], job.extras_json()["config"]);
        assert_eq!(job.extra("config").unwrap().pointer("/k/0").unwrap().span.start.line, 3);
    }

    #[test]
    fn a_file_that_is_named_by_a_file_is_not_loaded_again() {
        let job = JobDef::parse(&text("a.yml"), None).unwrap();
        let name = Node { span: Span::START, value: Value::Str("b.yml".to_owned()) };
        let job = job.with_config(name);
        assert!(job.config_file().is_none());
        assert_eq!(job.extras_json()["config"], "b.yml");
    }

    #[test]
    fn a_config_file_outside_the_jobs_root_is_refused() {
        for path in
            ["/etc/a.yaml", "../a.yaml", "a/../../b.yaml", "a//b.yaml", "./a.yaml", "C:a.yaml", "a\\b.yaml"]
        {
            let source = text(&format!("'{path}'"));
            let problems = JobDef::parse(&source, None).unwrap_err();
            assert!(problems.render(&Sources::from(&source)).contains("error[LO0110]"), "{path}");
        }
        for value in ["{a: 1}", "config.json", "5"] {
            assert!(JobDef::parse(&text(value), None).unwrap().config_file().is_none(), "{value}");
        }
    }
}
