//! `init`: a project that runs at once, with sample data. Never overwrites a file.

use std::path::Path;

use super::args::InitArgs;
use super::fail::Failure;
use super::out;
use crate::exit;
use crate::project::CONFIG_FILE;

/// Everything a new project holds: path, text.
const FILES: [(&str, &str); 8] = [
    (CONFIG_FILE, include_str!("../../template/lorchestra.yaml")),
    (".gitignore", include_str!("../../template/gitignore")),
    ("jobs/summarise_weather.yaml", include_str!("../../template/jobs/summarise_weather.yaml")),
    ("jobs/report_weather.yaml", include_str!("../../template/jobs/report_weather.yaml")),
    ("transforms/weather/month/1.0.0.jq", include_str!("../../template/transforms/weather/month/1.0.0.jq")),
    ("templates/weather.md", include_str!("../../template/templates/weather.md")),
    ("data/seattle-weather.csv", include_str!("../../template/data/seattle-weather.csv")),
    ("data/README.md", include_str!("../../template/data/README.md")),
];

pub(super) fn init(args: &InitArgs) -> Result<u8, Failure> {
    let folder = &args.folder;
    if let Some((taken, _)) = FILES.iter().find(|(path, _)| folder.join(path).exists()) {
        return Err(Failure::usage(format!("{} exists; nothing was written", folder.join(taken).display()))
            .help("choose an empty folder: lorchestra init FOLDER"));
    }
    for (path, text) in FILES {
        write(&folder.join(path), text)?;
        out::line(&format!("wrote {}", folder.join(path).display()));
    }
    if folder != Path::new(".") {
        out::talk(&format!("\ncd {}", folder.display()));
    } else {
        out::talk("");
    }
    out::talk("lorchestra load data/seattle-weather.csv --table raw.weather --key date --create");
    out::talk("lorchestra plan summarise_weather");
    out::talk("lorchestra run summarise_weather");
    out::talk("lorchestra run report_weather");
    Ok(exit::OK)
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let fail = |error: std::io::Error| Failure::new(exit::STORE, format!("{}: {error}", path.display()));
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(fail)?;
    }
    std::fs::write(path, text).map_err(fail)
}
