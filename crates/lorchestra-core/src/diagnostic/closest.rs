//! "Did you mean": the valid names closest to one that is not valid.

use strsim::damerau_levenshtein;

/// Names longer than this are compared by their start only: the distance costs the product of the lengths.
const COMPARED_CHARS: usize = 64;

/// The three candidates closest to `name`, the closest first; names that have little in common with it are left out.
///
/// ```
/// use lorchestra_core::diagnostic::closest;
/// assert_eq!(closest("retyr", ["needs", "retry", "when"]), ["retry"]);
/// assert!(closest("retyr", ["columns"]).is_empty());
/// ```
#[must_use]
pub fn closest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let name: String = name.chars().take(COMPARED_CHARS).flat_map(char::to_lowercase).collect();
    let mut ranked: Vec<(usize, &str)> = candidates
        .into_iter()
        .filter_map(|candidate| {
            let compared: String =
                candidate.chars().take(COMPARED_CHARS).flat_map(char::to_lowercase).collect();
            let longest = name.chars().count().max(compared.chars().count());
            let distance = damerau_levenshtein(&name, &compared);
            (distance * 5 <= longest * 2).then_some((distance, candidate))
        })
        .collect();
    ranked.sort();
    ranked.dedup();
    ranked.truncate(3);
    ranked.into_iter().map(|(_, candidate)| candidate).collect()
}

/// `did you mean 'a'?`, `did you mean 'a', 'b' or 'c'?`; `None` when no candidate is close.
#[must_use]
pub fn did_you_mean<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let names: Vec<String> = closest(name, candidates).iter().map(|close| super::quoted(close)).collect();
    match names.split_last()? {
        (only, []) => Some(format!("did you mean {only}?")),
        (last, others) => Some(format!("did you mean {} or {last}?", others.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_name_comes_first_and_at_most_three_come() {
        assert_eq!(closest("step1", ["step3", "step2", "stepp1", "step4"]), ["step2", "step3", "step4"]);
        assert_eq!(closest("Limit", ["limits", "limit"]), ["limit", "limits"]);
    }

    #[test]
    fn transposed_letters_are_one_mistake() {
        assert_eq!(did_you_mean("stpes", ["steps", "version"]).as_deref(), Some("did you mean 'steps'?"));
        assert_eq!(did_you_mean("zzz", ["steps"]), None);
    }
}
