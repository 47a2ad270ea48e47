//! Order of numbers, exact between integers of 64 bits and floats.

use std::cmp::Ordering;

use serde_json::Number;

/// How `left` compares to `right`. JSON numbers are finite, so they always compare.
pub(super) fn compare(left: &Number, right: &Number) -> Ordering {
    match (integer(left), integer(right)) {
        (Some(left), Some(right)) => left.cmp(&right),
        (Some(left), None) => compare_mixed(left, right),
        (None, Some(right)) => compare_mixed(right, left).reverse(),
        (None, None) => float(left).total_cmp(&float(right)),
    }
}

fn integer(number: &Number) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
}

fn float(number: &Number) -> f64 {
    // adding zero turns -0 into 0, which `total_cmp` tells apart
    number.as_f64().unwrap_or(0.0) + 0.0
}

fn compare_mixed(integer: i128, number: &Number) -> Ordering {
    let float = float(number);
    #[expect(clippy::cast_possible_truncation, reason = "the cast saturates, far outside what 64 bits reach")]
    let whole = float.trunc() as i128;
    integer.cmp(&whole).then_with(|| 0.0.partial_cmp(&float.fract()).unwrap_or(Ordering::Equal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_and_floats_compare_by_value() {
        let number = |text: &str| serde_json::from_str::<Number>(text).unwrap();
        for (left, right, expected) in [
            ("9007199254740993", "9007199254740992.0", Ordering::Greater),
            ("18446744073709551615", "18446744073709551616.0", Ordering::Less),
            ("-1", "-1.5", Ordering::Greater),
            ("1", "1.0", Ordering::Equal),
            ("0", "-0.0", Ordering::Equal),
            ("-9223372036854775808", "-1e300", Ordering::Greater),
            ("0.1", "0.2", Ordering::Less),
        ] {
            assert_eq!(compare(&number(left), &number(right)), expected, "{left} {right}");
            assert_eq!(compare(&number(right), &number(left)), expected.reverse(), "{right} {left}");
        }
    }
}
