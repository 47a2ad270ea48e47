//! The deciding half of lorchestra: jobs, references, compilation, manifests and the pure run machine

pub mod diagnostic;
mod fields;
pub mod job_def;
pub mod job_registry;
pub mod params;
pub mod yaml;
