//! Mail templates: which they are, and their subject line.
//!
//! The subject is taken from the template, not from what it renders to: no value of the context can become a header.

use super::environment::{extension, stem};

/// A mail template in its two parts.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mail<'a> {
    /// What follows `Subject:` on the first line.
    pub(super) subject: &'a str,
    /// Everything after that line, and after one blank line.
    pub(super) body: &'a str,
    /// How many lines stand before the body.
    pub(super) body_line: usize,
}

/// Takes the subject off the template called `name`, if it is a mail and has one.
///
/// A mail is called `*.eml`, `*.mail`, or has `.mail.` in its name: `welcome.mail.html`.
pub(super) fn split<'a>(name: &str, source: &'a str) -> Option<Mail<'a>> {
    let is_mail = matches!(extension(name), "eml" | "mail") || stem(name).contains(".mail.");
    if !is_mail {
        return None;
    }
    let (first, rest) = source.split_once('\n').unwrap_or((source, ""));
    let subject = first.strip_prefix("Subject:")?.trim();
    let blank = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n'));
    Some(Mail { subject, body: blank.unwrap_or(rest), body_line: if blank.is_some() { 2 } else { 1 } })
}

/// A rendered subject on one line.
pub(super) fn one_line(subject: &str) -> String {
    subject
        .split(|c: char| c.is_control() || c.is_whitespace())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_mail_with_a_subject_line_has_a_subject() {
        let source = "Subject: Hello {{ name }}\n\nDear {{ name }},\n";
        let mail = Some(Mail { subject: "Hello {{ name }}", body: "Dear {{ name }},\n", body_line: 2 });
        for name in
            ["welcome.eml", "welcome.mail.md", "welcome.mail.html.j2", "welcome.mail", "a/b.eml.jinja"]
        {
            assert_eq!(split(name, source), mail, "{name}");
        }
        for name in ["report.md", "email.html", "mail.txt", "eml"] {
            assert_eq!(split(name, source), None, "{name}");
        }
        assert_eq!(split("a.eml", "Dear all,\nSubject: no"), None);
        assert_eq!(split("a.eml", "Subject: x"), Some(Mail { subject: "x", body: "", body_line: 1 }));
        assert_eq!(
            split("a.eml", "Subject: x\r\nText"),
            Some(Mail { subject: "x", body: "Text", body_line: 1 })
        );
    }

    #[test]
    fn a_subject_is_one_line_whatever_is_put_into_it() {
        assert_eq!(one_line(" a\r\nBcc: everybody@example.org\t b "), "a Bcc: everybody@example.org b");
    }
}
