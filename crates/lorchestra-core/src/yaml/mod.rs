//! YAML 1.2 text to a tree in which every value knows its place. Knows nothing of jobs.
//!
//! Scalars are read by the core schema of [YAML 1.2.2 §10.3](https://yaml.org/spec/1.2.2/#103-core-schema): `no` is a
//! string, `017` is 17, `1_000` is a string. Stricter than the standard, because a job is hashed and its values travel
//! as JSON:
//!
//! - keys are strings, and a map holds a key once;
//! - integers fit 64 bits, floats are finite; nothing is rounded silently to another type;
//! - tags other than the core schema's, merge keys (`<<`, which YAML 1.2 does not have) and second documents are refused;
//! - the text, its depth, its number of values and what its aliases expand to are limited: see [`limits`].
//!
//! JSON is read by the same parser. One difference to know: YAML has no surrogate pairs, so `"\ud83d\ude00"` is
//! refused; the character itself and `\U0001F600` are both fine.

mod budget;
mod node;
mod parse;
mod place;
mod scalar;
mod tags;

pub use budget::limits;
pub use node::{Key, Node, Value};
pub use parse::parse;
