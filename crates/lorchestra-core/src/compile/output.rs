//! The job's `output`: the reference whose value is the run's result.

use crate::diagnostic::codes;
use crate::template::Template;

use super::pass::{Pass, Text};
use super::references::Site;

impl Pass<'_> {
    /// The reference as the run will read it.
    pub(super) fn output(&mut self) -> Option<String> {
        let node = self.job.output.as_ref()?;
        let template = match Text::of_node(node) {
            Some(text) => self.template(text)?,
            None => Template::Literal(String::new()),
        };
        let (Some(text), Template::Whole(_)) = (Text::of_node(node), &template) else {
            let error = self.error(codes::INVALID_VALUE, "'output' must be one reference", node.span).help(
                "'@run.<step_id>.<field>'; without 'output' a run's result is the output of its last step",
            );
            self.report(error);
            return None;
        };
        self.check_template(&template, text, Site::Output);
        Some(self.late_text(template, text))
    }

    /// Reads a text of the job; `None`, reported, when it is wrong.
    pub(super) fn template(&mut self, text: Text<'_>) -> Option<Template> {
        match Template::parse(text.text) {
            Ok(template) => Some(template),
            Err(error) => {
                let span = self.place(text, error.at.clone());
                let diagnostic = self.error(codes::REFERENCE_SYNTAX, error.message, span);
                self.report(diagnostic.maybe_help(error.help));
                None
            }
        }
    }

    /// The text that the run will read for `template`: as written, unless an output field has another main name.
    pub(super) fn late_text(&self, mut template: Template, text: Text<'_>) -> String {
        if template.change_references(&mut |reference| self.without_alias(reference)) {
            template.to_string()
        } else {
            text.text.to_owned()
        }
    }
}
