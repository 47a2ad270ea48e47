//! Cuts the bytes of a stored row set into batches. The pieces they come in end anywhere; batches end with a row and are
//! never larger than batches are.

use lorchestra_core::artifact::LIST_LIMIT_BYTES;
use lorchestra_json::{RowBatch, RowBatchBuilder};

/// A row that is longer than a value in memory may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a row has more than {LIST_LIMIT_BYTES} bytes")]
pub(crate) struct RowTooLong;

/// Holds what is left of the last piece, and the rows of the next batch.
#[derive(Default)]
pub(crate) struct RowCutter {
    partial: Vec<u8>,
    batch: RowBatchBuilder,
}

impl RowCutter {
    /// Takes the next piece and gives the batches that are full now.
    pub(crate) fn take(&mut self, piece: &[u8]) -> Result<Vec<RowBatch>, RowTooLong> {
        let mut full = Vec::new();
        let mut rest = piece;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (line, after) = rest.split_at(end);
            if self.partial.is_empty() {
                self.batch.push_line(line);
            } else {
                self.partial.extend_from_slice(line);
                self.batch.push_line(&self.partial);
                self.partial.clear();
            }
            rest = &after[1..];
            if self.batch.is_full() {
                full.push(self.batch.take());
            }
        }
        self.partial.extend_from_slice(rest);
        let fits = u64::try_from(self.partial.len()).is_ok_and(|bytes| bytes <= LIST_LIMIT_BYTES);
        if fits { Ok(full) } else { Err(RowTooLong) }
    }

    /// The rows that are left, the last of which may lack its newline.
    pub(crate) fn finish(mut self) -> Option<RowBatch> {
        self.batch.push_line(&self.partial);
        (!self.batch.is_empty()).then(|| self.batch.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lorchestra_json::{MAX_BATCH_BYTES, MAX_BATCH_ROWS};
    use proptest::prelude::*;

    fn cut(bytes: &[u8], piece: usize) -> Vec<RowBatch> {
        let mut cutter = RowCutter::default();
        let mut batches: Vec<RowBatch> =
            bytes.chunks(piece).flat_map(|piece| cutter.take(piece).unwrap()).collect();
        batches.extend(cutter.finish());
        batches
    }

    fn lines(batches: &[RowBatch]) -> Vec<Vec<u8>> {
        batches.iter().flat_map(|batch| batch.lines().map(<[u8]>::to_vec).collect::<Vec<_>>()).collect()
    }

    proptest! {
        #[test]
        fn where_pieces_end_makes_no_difference(
            rows in proptest::collection::vec("[a-z\"{}é]{0,40}", 0..200),
            piece in 1_usize..300,
            ends_with_newline: bool,
        ) {
            let mut text = rows.join("\n");
            if ends_with_newline {
                text.push('\n');
            }
            let expected: Vec<Vec<u8>> =
                rows.iter().filter(|row| !row.is_empty()).map(|row| row.as_bytes().to_vec()).collect();
            prop_assert_eq!(lines(&cut(text.as_bytes(), piece)), expected);
        }
    }

    #[test]
    fn one_large_piece_becomes_batches_of_the_usual_size() {
        let text = "{\"n\":1}\n".repeat(5000);
        let batches = cut(text.as_bytes(), text.len());
        assert!(batches.iter().all(|batch| batch.len() <= MAX_BATCH_ROWS), "{batches:?}");
        assert_eq!(batches.iter().map(RowBatch::len).sum::<usize>(), 5000);
        let wide = format!("{{\"n\":\"{}\"}}\n", "x".repeat(1 << 18)).repeat(9);
        let batches = cut(wide.as_bytes(), wide.len());
        assert!(batches.iter().all(|batch| batch.ndjson().len() <= 2 * MAX_BATCH_BYTES), "{batches:?}");
    }
}
