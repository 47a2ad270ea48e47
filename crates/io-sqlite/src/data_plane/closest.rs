//! "Did you mean": the names nearest to one that does not exist.

/// `; closest: a, b; there are: …` for a message, at most three near names and twenty of all.
pub(super) fn suggest<'n>(wanted: &str, known: impl IntoIterator<Item = &'n str>, what: &str) -> String {
    const NEAR: usize = 3;
    const LISTED: usize = 20;
    let known: Vec<&str> = known.into_iter().collect();
    if known.is_empty() {
        return format!("; there are no {what}");
    }
    let mut near: Vec<(usize, &str)> = known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(wanted, name), *name))
        .filter(|(distance, name)| *distance * 2 <= name.len().max(wanted.len()))
        .collect();
    near.sort_unstable();
    let mut out = String::new();
    if !near.is_empty() {
        let names: Vec<&str> = near.iter().take(NEAR).map(|(_, name)| *name).collect();
        out = format!("; closest: {}", names.join(", "));
    }
    let more = if known.len() > LISTED { ", …" } else { "" };
    out + &format!("; {what}: {}{more}", known[..known.len().min(LISTED)].join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_come_first_and_all_are_listed() {
        assert_eq!(
            suggest("raw.objcts", ["wal.events", "raw.objects"], "tables"),
            "; closest: raw.objects; tables: wal.events, raw.objects"
        );
        assert_eq!(suggest("x", ["completely_else"], "tables"), "; tables: completely_else");
        assert_eq!(suggest("x", [], "tables"), "; there are no tables");
    }
}
