//! Where lineages begin.

mod arrow_files;
mod avro_file;
mod binary_records;
mod csv;
mod empty;
mod files;
mod json_lines;
mod object_file;
mod parallelize;
mod parallelize_at;
mod parquet;
mod range;
mod sequence_file;
mod text_file;
mod whole_files;

pub use arrow_files::{ArrowBatches, ArrowFiles};
pub use avro_file::{AvroFile, AvroRecords};
pub use binary_records::{BinaryRecords, RecordBytes};
pub use csv::{Csv, CsvRecords};
pub use empty::Empty;
pub use files::{Files, Format};
pub use json_lines::{JsonLines, JsonValues};
pub use object_file::{ObjectFile, Objects};
pub use parallelize::Parallelize;
pub use parallelize_at::ParallelizeAt;
pub use parquet::{ParquetBatches, ParquetFiles};
pub use range::Range;
pub use sequence_file::{Pairs, SequenceFile};
pub use text_file::{TextFile, TextLines};
pub use whole_files::{BinaryFiles, WholeBytes, WholeText, WholeTextFiles};

/// What nodes without parents share: the same records each time, from nothing else.
macro_rules! no_parent {
    () => {
        fn context(&self) -> &$crate::Context {
            self.home.context()
        }

        fn dependencies(&self, _: &mut Vec<$crate::rdd::Dependency>) {}

        fn determinism(&self) -> $crate::rdd::Determinism {
            $crate::rdd::Determinism::Determinate
        }
    };
}
pub(crate) use no_parent;

/// The bounds of slice `index` of `slices` of something `length` long: sizes differ by at most one.
pub(crate) fn slice_of(length: u64, index: u64, slices: u64) -> std::ops::Range<u64> {
    let bound = |index: u64| {
        let bound = u128::from(length) * u128::from(index) / u128::from(slices.max(1));
        u64::try_from(bound).unwrap_or(length)
    };
    bound(index)..bound(index + 1)
}

#[cfg(test)]
mod tests {
    proptest::proptest! {
        #[test]
        fn slices_are_contiguous_and_differ_by_at_most_one(length: u64, slices in 1u64..300) {
            let bounds: Vec<_> = (0..slices).map(|i| super::slice_of(length, i, slices)).collect();
            assert_eq!((bounds[0].start, bounds[bounds.len() - 1].end), (0, length));
            assert!(bounds.windows(2).all(|pair| pair[0].end == pair[1].start));
            assert!(bounds.iter().all(|b| (b.end - b.start).abs_diff(length / slices) <= 1));
        }
    }
}
