//! How templates behave.

use minijinja::{AutoEscape, Environment, UndefinedBehavior};

/// An environment of one render; it holds no templates and loads none.
pub(super) fn environment(fuel: u64) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(escaping);
    environment.set_fuel(Some(fuel));
    // errors then know the place in the source
    environment.set_debug(true);
    environment
}

/// By the name's extension. JSON and YAML are not escaped by it: `tojson` says there what is a value.
fn escaping(name: &str) -> AutoEscape {
    match extension(name) {
        "html" | "htm" | "xml" => AutoEscape::Html,
        _ => AutoEscape::None,
    }
}

/// The extension that says what the result is: `html` of `page.html` and of `page.html.j2`.
pub(super) fn extension(name: &str) -> &str {
    stem(name).rsplit_once('.').map_or("", |(_, extension)| extension)
}

/// The name without the extension that says that it is a template.
pub(super) fn stem(name: &str) -> &str {
    [".j2", ".jinja", ".jinja2"].iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name)
}
