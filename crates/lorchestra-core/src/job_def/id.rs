//! What ids look like. They are never used as paths, yet none could be taken for one.

/// The longest job id, in characters.
const MAX_JOB_ID: usize = 128;
/// Names that stand beside job ids in URLs.
const RESERVED_JOB_IDS: [&str; 2] = ["submit", "status"];

pub(super) const JOB_ID_RULE: &str = "letters, digits, '_', '.' and '-', a letter or digit first, at most 128 of them, and not 'submit' or 'status'";
pub(super) const STEP_ID_RULE: &str =
    "lower-case letters, digits and '_', a letter first, and not 'envelope'";

/// Whether `id` is `[A-Za-z0-9][A-Za-z0-9_.-]{0,127}`, and not `submit` or `status`.
#[must_use]
pub fn is_job_id(id: &str) -> bool {
    id.len() <= MAX_JOB_ID
        && id.starts_with(|first: char| first.is_ascii_alphanumeric())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
        && !RESERVED_JOB_IDS.contains(&id)
}

/// Whether `id` is `[a-z][a-z0-9_]*`, and not `envelope`, which `@run.envelope` needs for itself.
#[must_use]
pub fn is_step_id(id: &str) -> bool {
    id.starts_with(|first: char| first.is_ascii_lowercase())
        && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && id != "envelope"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn job_ids_are_plain_and_short() {
        for good in ["a", "pm.plan", "9-lives_v2", &"x".repeat(128)] {
            assert!(is_job_id(good), "{good}");
        }
        for bad in ["", ".a", "-a", "a/b", "a b", "é", "submit", "status", "аpple", "a\n", &"x".repeat(129)]
        {
            assert!(!is_job_id(bad), "{bad}");
        }
    }

    #[test]
    fn step_ids_are_names_that_a_reference_can_hold() {
        assert!(is_step_id("a") && is_step_id("read_2"));
        for bad in ["", "A", "2a", "_a", "a.b", "a-b", "envelope", "é"] {
            assert!(!is_step_id(bad), "{bad}");
        }
    }
}
