//! Renders one template, and tells what is wrong with it.
//!
//! Fuel bounds the steps and a writer bounds the output; text that a template builds before writing it (`set` blocks,
//! macros, filters) is bounded by neither, which needs a process with a memory limit.

use std::io::{self, Write};

use compute_client::{ComputeError, Problem, RenderRequest, Rendered};
use minijinja::value::Serde;
use minijinja::{Environment, ErrorKind};
use serde_json::Value;

use super::environment::environment;
use super::mail;
use crate::Limits;

/// Whether `source` is a well-formed template.
///
/// A filter, test, name or other template that does not exist shows when the template is rendered.
///
/// # Errors
/// The first mistake with its line, and its column where it is known.
///
/// ```
/// assert!(compute_local::check_template("report.md", "{% for row in rows %}{{ row }}{% endfor %}").is_ok());
/// let problem = compute_local::check_template("report.md", "one\n{% for %}").unwrap_err();
/// assert_eq!(problem.line, 2);
/// ```
pub fn check_template(name: &str, source: &str) -> Result<(), Problem> {
    let environment = environment(0);
    parts(name, source).try_for_each(|part| {
        environment
            .template_from_named_str(part.name, part.source)
            .map(drop)
            .map_err(|error| problem(&error, &part))
    })
}

/// Renders `request`; pure given the request.
pub(crate) fn render(request: &RenderRequest, limits: &Limits) -> Result<Rendered, ComputeError> {
    if !request.context.is_object() {
        let message = format!("template {}: the context must be an object", request.name);
        return Err(ComputeError::InvalidRequest { message });
    }
    let environment = environment(limits.template_fuel);
    let mut rendered = Rendered { rendered: String::new(), subject: None };
    for part in parts(&request.name, &request.template) {
        let text = render_part(&environment, &part, request, limits)?;
        if part.is_subject {
            rendered.subject = Some(mail::one_line(&text));
        } else {
            rendered.rendered = text;
        }
    }
    Ok(rendered)
}

/// A piece of a template file that is a template of its own.
struct Part<'a> {
    /// Decides about escaping.
    name: &'a str,
    source: &'a str,
    /// Lines and columns of the file before it, for messages.
    line: usize,
    column: usize,
    is_subject: bool,
}

fn parts<'a>(name: &'a str, source: &'a str) -> impl Iterator<Item = Part<'a>> {
    let (subject, body) = match mail::split(name, source) {
        None => (None, Part { name, source, line: 0, column: 0, is_subject: false }),
        Some(mail) => {
            let column = mail.subject.as_ptr() as usize - source.as_ptr() as usize;
            // a subject is plain text, also that of an HTML mail
            let subject = Part { name: "subject", source: mail.subject, line: 0, column, is_subject: true };
            (
                Some(subject),
                Part { name, source: mail.body, line: mail.body_line, column: 0, is_subject: false },
            )
        }
    };
    subject.into_iter().chain([body])
}

fn render_part(
    environment: &Environment<'_>,
    part: &Part<'_>,
    request: &RenderRequest,
    limits: &Limits,
) -> Result<String, ComputeError> {
    let mut out = Limited { bytes: Vec::new(), limit: limits.template_output_bytes, passed: false };
    let context: &Value = &request.context;
    let result = environment.template_from_named_str(part.name, part.source).and_then(|template| {
        template.render_captured_to(minijinja::Value::from(Serde(context)), &mut out).map(drop)
    });
    let name = request.name.clone();
    match result {
        Ok(()) => String::from_utf8(out.bytes).map_err(|_| ComputeError::Internal {
            message: format!("template {name} wrote text that is not UTF-8"),
            retryable: false,
        }),
        Err(_) if out.passed => Err(ComputeError::OutputLimit {
            subject: format!("template {name}"),
            row: None,
            limit_bytes: limits.template_output_bytes as u64,
        }),
        Err(error) if error.kind() == ErrorKind::OutOfFuel => {
            Err(ComputeError::FuelLimit { name, limit: limits.template_fuel })
        }
        Err(error) => Err(ComputeError::Template { name, problem: problem(&error, part) }),
    }
}

fn problem(error: &minijinja::Error, part: &Part<'_>) -> Problem {
    let line = error.line().unwrap_or(1);
    let column = error.range().and_then(|range| {
        let before = part.source.get(..range.start)?;
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let first_line = line_start == 0;
        Some(before[line_start..].chars().count() + 1 + if first_line { part.column } else { 0 })
    });
    let message = match error.detail() {
        _ if error.kind() == ErrorKind::TemplateNotFound => "a template cannot use another one".into(),
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    };
    Problem { line: line + part.line, column, message }
}

/// Takes up to `limit` bytes.
struct Limited {
    bytes: Vec<u8>,
    limit: usize,
    passed: bool,
}

impl Write for Limited {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + text.len() > self.limit {
            self.passed = true;
            return Err(io::Error::other("the output limit"));
        }
        self.bytes.extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn render_text(name: &str, template: &str, context: Value) -> Result<Rendered, ComputeError> {
        let request = RenderRequest { template: template.into(), name: name.into(), context };
        render(&request, &Limits { template_fuel: 10_000, template_output_bytes: 1000, ..Limits::default() })
    }

    fn rendered(name: &str, template: &str, context: Value) -> String {
        render_text(name, template, context).unwrap().rendered
    }

    #[test]
    fn values_of_the_context_are_written_exactly() {
        let context =
            json!({"big": 9007199254740993_i64, "max": u64::MAX, "min": i64::MIN, "half": 0.5, "no": null});
        assert_eq!(
            rendered("a.txt", "{{ big }} {{ max }} {{ min }} {{ half }} {{ no }} {{ big|tojson }}", context),
            "9007199254740993 18446744073709551615 -9223372036854775808 0.5 None 9007199254740993"
        );
    }

    #[test]
    fn only_markup_is_escaped() {
        let context = json!({"text": "<a & b>"});
        for name in ["a.html", "a.htm", "a.xml", "x/a.html.j2", "a.mail.html"] {
            assert_eq!(rendered(name, "{{ text }}", context.clone()), "&lt;a &amp; b&gt;", "{name}");
        }
        for name in ["a.md", "a.txt", "a.json", "html", "a.eml", "a.html.md"] {
            assert_eq!(rendered(name, "{{ text }}", context.clone()), "<a & b>", "{name}");
        }
    }

    #[test]
    fn the_subject_of_a_mail_is_plain_text_on_one_line() {
        let template = "Subject: {{ name }} & you\n\n<p>{{ name }}</p>";
        let mail =
            render_text("hello.mail.html", template, json!({"name": "<A>\nBcc: all@example.org"})).unwrap();
        assert_eq!(mail.subject.as_deref(), Some("<A> Bcc: all@example.org & you"));
        assert_eq!(mail.rendered, "<p>&lt;A&gt;\nBcc: all@example.org</p>");
        assert_eq!(render_text("hello.md", template, json!({"name": ""})).unwrap().subject, None);
    }

    #[test]
    fn mistakes_are_named_with_template_and_line() {
        for (name, template, expected) in [
            ("a.md", "one\n{{ missing }}", "template a.md:2:4: undefined value"),
            ("a.md", "{{ row.missing }}", "template a.md:1:4: undefined value"),
            ("a.md", "{{ 'x' | nothing }}", "template a.md:1:10: unknown filter: filter nothing is unknown"),
            ("a.md", "\n\n{% if %}", "template a.md:3:7: syntax error"),
            ("a.md", "{% include 'b.md' %}", "template a.md:1:4: a template cannot use another one"),
            ("a.eml", "Subject: {{ missing }}\n", "template a.eml:1:13: undefined value"),
            ("a.eml", "Subject: x\n\n{{ row }}\n {{ missing }}", "template a.eml:4:5: undefined value"),
        ] {
            let error = render_text(name, template, json!({"row": {}})).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{template:?}: {error}");
        }
    }

    #[test]
    fn checking_finds_what_is_not_well_formed() {
        assert!(check_template("a.md", "{{ anything.at.all }}").is_ok());
        assert_eq!(check_template("a.md", "x\n{{ 1 + }}").unwrap_err().line, 2);
        assert_eq!(check_template("a.eml", "Subject: {{ x\n\nbody").unwrap_err().line, 1);
        assert_eq!(check_template("a.eml", "Subject: x\n\nbody\n{% endif %}").unwrap_err().line, 4);
    }

    #[test]
    fn a_template_that_takes_too_much_is_stopped() {
        let endless = "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}";
        assert!(matches!(
            render_text("a", endless, json!({})),
            Err(ComputeError::FuelLimit { limit: 10_000, .. })
        ));
        let long = "{% for a in range(999) %}12345{% endfor %}";
        assert!(matches!(
            render_text("a", long, json!({})),
            Err(ComputeError::OutputLimit { limit_bytes: 1000, .. })
        ));
        assert!(matches!(render_text("a", "", json!([])), Err(ComputeError::InvalidRequest { .. })));
    }
}
