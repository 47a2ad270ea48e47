//! What performs a step, and what it is given. The traits are here; implementations live at the edges.

mod cancel;
mod completion;
mod context;
mod error;
mod registry;

pub use cancel::{Cancel, Cancelled};
pub use completion::{ChildRequest, Completion, RowCounts, StepSuccess, WaitRequest};
pub use context::{NoSecrets, RunMode, SecretError, SecretSource, StepContext};
pub use error::StepError;
pub use registry::{Handler, HandlerRegistry, RegistryError};
