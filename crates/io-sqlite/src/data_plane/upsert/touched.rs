//! Which rows of the table one write has touched: a key that comes twice touches one row twice. One bit a row, however
//! many there are, so duplicates are found also when they are millions of rows apart.

use roaring::RoaringTreemap;

/// So many updated rows are remembered with their numbers; beyond, a message cannot say which row came first.
const REMEMBERED: usize = 1 << 16;

/// The rows touched so far.
#[derive(Default)]
pub(super) struct Touched {
    row_ids: RoaringTreemap,
    /// Numbers of the rows that were inserted. Their row ids follow one another, so the position of a number in here
    /// gives its row id.
    inserted: RoaringTreemap,
    first_inserted: Option<i64>,
    /// Row id and number of the first rows that were there before.
    existing: Vec<(i64, u64)>,
}

impl Touched {
    /// Row `number` made the row `row_id`.
    pub(super) fn insert(&mut self, row_id: i64, number: u64) {
        self.row_ids.insert(row_id.cast_unsigned());
        self.first_inserted.get_or_insert(row_id);
        self.inserted.insert(number);
    }

    /// Row `number` met the row `row_id`; `false` when an earlier one did so too.
    pub(super) fn meet(&mut self, row_id: i64, number: u64) -> bool {
        let is_new = self.row_ids.insert(row_id.cast_unsigned());
        if is_new && self.existing.len() < REMEMBERED {
            self.existing.push((row_id, number));
        }
        is_new
    }

    /// The number of the row that touched `row_id` first, when it is still known.
    pub(super) fn first(&self, row_id: i64) -> Option<u64> {
        if let Some((_, number)) = self.existing.iter().find(|(existing, _)| *existing == row_id) {
            return Some(*number);
        }
        let position = u64::try_from(row_id.checked_sub(self.first_inserted?)?).ok()?;
        self.inserted.select(position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_row_of_a_key_is_known_millions_of_rows_later() {
        let mut touched = Touched::default();
        assert!(touched.meet(17, 1));
        for number in 2..=5_000_000 {
            touched.insert(1_000 + i64::try_from(number).unwrap() - 2, number);
        }
        assert!(!touched.meet(1_000, 5_000_001));
        assert_eq!(touched.first(1_000), Some(2));
        assert!(!touched.meet(17, 5_000_002));
        assert_eq!(touched.first(17), Some(1));
        assert_eq!(touched.first(5_000_998), Some(5_000_000));
        assert_eq!(touched.first(3), None);
    }
}
