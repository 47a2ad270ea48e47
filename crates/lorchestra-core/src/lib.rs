//! The deciding half of lorchestra: jobs, references, compilation, manifests and the pure run machine

pub mod diagnostic;
pub mod yaml;
