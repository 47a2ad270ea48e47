//! The table of all diagnostic codes. A number is never given a second meaning.

use std::fmt;

use serde::{Serialize, Serializer};

/// The kind of a diagnostic, printed as `LO0102`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(u16);

/// What the table says about a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeInfo {
    /// The code.
    pub code: Code,
    /// Its name in the source code, `UNKNOWN_KEY`.
    pub name: &'static str,
    /// What it means, in one line.
    pub title: &'static str,
}

impl Code {
    /// The number after `LO`.
    #[must_use]
    pub fn number(self) -> u16 {
        self.0
    }

    /// What the table says about this code.
    #[must_use]
    pub fn info(self) -> Option<&'static CodeInfo> {
        ALL_CODES.iter().find(|info| info.code == self)
    }

    /// The code that is printed as `text`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        ALL_CODES.iter().map(|info| info.code).find(|code| code.to_string() == text)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LO{:04}", self.0)
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

macro_rules! codes {
    ($($number:literal $name:ident $title:literal;)+) => {
        /// Every code by name.
        pub mod codes {
            use super::Code;
            $(#[doc = $title] pub const $name: Code = Code($number);)+
        }

        /// Every code, in order of number.
        pub const ALL_CODES: &[CodeInfo] =
            &[$(CodeInfo { code: Code($number), name: stringify!($name), title: $title },)+];
    };
}

// 00xx text and YAML, 01xx job definition, 02xx `params` schema, 03xx references and expressions, 04xx compilation,
// 05xx registry
codes! {
    1 YAML_SYNTAX "the text is not YAML";
    2 DUPLICATE_KEY "a map holds a key twice";
    3 KEY_NOT_STRING "a map's key is not a string";
    4 NUMBER_OUT_OF_RANGE "a number has no exact place in 64 bits, or no JSON form";
    5 TAG_NOT_SUPPORTED "a tag is not one of YAML's core schema, or does not fit its value";
    6 TEXT_TOO_LARGE "the text passes a limit of size, depth or alias expansion";
    7 MERGE_KEY "a merge key, which YAML 1.2 does not have";
    8 SEVERAL_DOCUMENTS "the text holds more than one document";

    101 WRONG_TYPE "a value is not of the type its key takes";
    102 UNKNOWN_KEY "a key that does not exist here";
    103 MISSING_KEY "a key that must be there is not";
    104 NOT_SUPPORTED_YET "a known key whose feature is not supported yet";
    105 STEP_KEY_AT_TOP_LEVEL "a step's key stands at top level";
    106 DUPLICATE_STEP_ID "two steps have one step_id";
    107 INVALID_ID "an id has characters or a form that ids do not take";
    108 JOB_ID_NOT_FILE_STEM "the job_id is not the file's stem";
    109 INVALID_VALUE "a value is not one that its key allows";
    110 CONFIG_FILE "a config file cannot be used";
    111 CONFLICTING_KEYS "keys that do not go together, or one that needs another";

    201 PARAM_TYPE "a parameter's type is missing or unknown";
    202 PARAM_KEY_UNSUITED "a key of the schema has no meaning for the parameter's type";
    203 PARAM_CONTRADICTION "keys of a parameter contradict each other";
    204 PARAM_PATTERN "a parameter's pattern is not a regular expression";
    205 PARAM_DEFAULT_UNUSED "a default that is never used";

    301 REFERENCE_SYNTAX "a text that should hold a reference or an expression does not";
    302 UNKNOWN_REFERENCE "a reference leads nowhere";
    303 REFERENCE_NOT_ALLOWED "a reference stands where its value cannot be known, or must not go";
    304 STEP_NOT_BEFORE "a reference to a step that is not certain to have ended before";
    305 SECRET_NOT_ALLOWED "a secret stands where it would be stored or shown";
    306 EXPRESSION_SYNTAX "a condition is not an expression";
    307 EXPRESSION_KIND "an expression does with a value what its kind does not allow";

    401 UNKNOWN_OP "an op that does not exist";
    402 NO_HANDLER "an op whose backend has no handler";
    403 UNKNOWN_STEP "a step that does not exist";
    404 NEEDS_CYCLE "steps that wait for each other";
    405 OP_PARAM "a param is not what its op takes";
    406 UNKNOWN_RESOURCE "a transform or template that does not exist";
    407 BROKEN_RESOURCE "a transform or template that exists and is wrong";

    501 DUPLICATE_JOB_ID "two files define one job id";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_rise_and_every_title_is_one_lower_case_line() {
        assert!(ALL_CODES.is_sorted_by(|left, right| left.code < right.code));
        for info in ALL_CODES {
            assert!(!info.title.contains('\n') && !info.title.ends_with('.'), "{}", info.title);
        }
    }

    #[test]
    fn a_code_is_printed_with_four_digits_and_read_back() {
        assert_eq!(codes::UNKNOWN_KEY.to_string(), "LO0102");
        assert_eq!(Code::parse("LO0102"), Some(codes::UNKNOWN_KEY));
        assert_eq!(Code::parse("LO102"), None);
        assert_eq!(codes::UNKNOWN_KEY.info().map(|info| info.name), Some("UNKNOWN_KEY"));
    }
}
