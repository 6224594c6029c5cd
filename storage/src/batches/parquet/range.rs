//! Which row groups cannot hold what is looked for, by their statistics.

use parquet::{
    basic::{ConvertedType, LogicalType},
    file::{
        metadata::{ColumnChunkMetaData, RowGroupMetaData},
        statistics::Statistics,
    },
};
use serde::{Deserialize, Serialize};
use std::{
    cmp::Ordering,
    ops::{Bound, RangeBounds},
};

/// A value that those of a column are compared with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ColumnValue {
    /// Of columns of integers; of days, and of timestamps in their own unit.
    Integer(i64),
    /// Of columns of floating-point numbers.
    Number(f64),
    /// Of columns of text, compared byte by byte.
    Text(String),
}

macro_rules! column_value {
    ($($type:ty: $variant:ident,)*) => {$(
        impl From<$type> for ColumnValue {
            fn from(value: $type) -> Self {
                ColumnValue::$variant(value.into())
            }
        }
    )*};
}

column_value! {
    i8: Integer, i16: Integer, i32: Integer, i64: Integer, u8: Integer, u16: Integer, u32: Integer,
    f32: Number, f64: Number, &str: Text, String: Text,
}

/// Values that a column may have.
///
/// ```
/// use rsk_storage::{ColumnRange, ColumnValue};
/// let days = ColumnRange::new("day", 20_500..=20_530);
/// assert_eq!((days.column(), days.start()), ("day", Some(&ColumnValue::Integer(20_500))));
/// assert_eq!(ColumnRange::new("name", "m"..).end(), None);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnRange {
    column: String,
    start: Bound<ColumnValue>,
    end: Bound<ColumnValue>,
}

impl ColumnRange {
    /// The values of `column` within `range`; columns in columns are named with dots between.
    pub fn new<V: Into<ColumnValue> + Clone>(column: &str, range: impl RangeBounds<V>) -> ColumnRange {
        let value = |bound: Bound<&V>| bound.cloned().map(Into::into);
        let (start, end) = (value(range.start_bound()), value(range.end_bound()));
        ColumnRange { column: column.to_owned(), start, end }
    }

    /// The column.
    pub fn column(&self) -> &str {
        &self.column
    }

    /// The least value, if there is one.
    pub fn start(&self) -> Option<&ColumnValue> {
        value_of(&self.start)
    }

    /// The greatest value, if there is one.
    pub fn end(&self) -> Option<&ColumnValue> {
        value_of(&self.end)
    }

    /// May the group hold such a value? Where its statistics do not tell, it may.
    pub(super) fn may_be_in(&self, group: &RowGroupMetaData) -> bool {
        let column = group.columns().iter().find(|column| column.column_path().string() == self.column);
        let Some((least, greatest)) = column.and_then(Seen::of) else { return true };
        let is_below = match &self.start {
            Bound::Included(start) => greatest.compare(start).is_some_and(Ordering::is_lt),
            Bound::Excluded(start) => greatest.compare(start).is_some_and(Ordering::is_le),
            Bound::Unbounded => false,
        };
        let is_above = match &self.end {
            Bound::Included(end) => least.compare(end).is_some_and(Ordering::is_gt),
            Bound::Excluded(end) => least.compare(end).is_some_and(Ordering::is_ge),
            Bound::Unbounded => false,
        };
        !is_below && !is_above
    }
}

fn value_of(bound: &Bound<ColumnValue>) -> Option<&ColumnValue> {
    match bound {
        Bound::Included(value) | Bound::Excluded(value) => Some(value),
        Bound::Unbounded => None,
    }
}

/// A bound that statistics tell, which need not be a value of the column.
#[derive(Debug, Clone, PartialEq)]
enum Seen {
    Integer(i128),
    Number(f64),
    Text(Vec<u8>),
}

/// How the integers of a column are compared.
enum Integers {
    Signed,
    Unsigned,
    /// Decimals, for instance: not the numbers that they look like.
    Other,
}

impl Seen {
    /// The least and the greatest, where both are told and can be relied upon.
    fn of(column: &ColumnChunkMetaData) -> Option<(Seen, Seen)> {
        let integer = |number: i64, unsigned: u64| match integers(column) {
            Integers::Signed => Some(Seen::Integer(number.into())),
            Integers::Unsigned => Some(Seen::Integer(unsigned.into())),
            Integers::Other => None,
        };
        match column.statistics()? {
            Statistics::Int32(found) => {
                let of = |number: i32| integer(number.into(), number.cast_unsigned().into());
                Some((of(*found.min_opt()?)?, of(*found.max_opt()?)?))
            }
            Statistics::Int64(found) => {
                let of = |number: i64| integer(number, number.cast_unsigned());
                Some((of(*found.min_opt()?)?, of(*found.max_opt()?)?))
            }
            Statistics::Float(found) => number((*found.min_opt()?).into(), (*found.max_opt()?).into()),
            Statistics::Double(found) => number(*found.min_opt()?, *found.max_opt()?),
            // Old writers compared bytes as if they were signed.
            found @ Statistics::ByteArray(values) if !found.is_min_max_deprecated() && is_text(column) => {
                let (min, max) = (values.min_opt()?, values.max_opt()?);
                Some((Seen::Text(min.data().to_vec()), Seen::Text(max.data().to_vec())))
            }
            _ => None,
        }
    }

    /// Nothing where a number is compared with a text.
    fn compare(&self, with: &ColumnValue) -> Option<Ordering> {
        match (self, with) {
            (Seen::Integer(seen), ColumnValue::Integer(with)) => Some(seen.cmp(&i128::from(*with))),
            #[expect(
                clippy::cast_precision_loss,
                reason = "rounded the same way, order stays or becomes equal"
            )]
            (Seen::Integer(seen), ColumnValue::Number(with)) => {
                unless_equal((*seen as f64).partial_cmp(with))
            }
            #[expect(
                clippy::cast_precision_loss,
                reason = "rounded the same way, order stays or becomes equal"
            )]
            (Seen::Number(seen), ColumnValue::Integer(with)) => {
                unless_equal(seen.partial_cmp(&(*with as f64)))
            }
            (Seen::Number(seen), ColumnValue::Number(with)) => seen.partial_cmp(with),
            (Seen::Text(seen), ColumnValue::Text(with)) => Some(seen.as_slice().cmp(with.as_bytes())),
            _ => None,
        }
    }
}

/// What is equal once it was rounded need not be.
fn unless_equal(order: Option<Ordering>) -> Option<Ordering> {
    order.filter(|order| order.is_ne())
}

fn number(min: f64, max: f64) -> Option<(Seen, Seen)> {
    (!min.is_nan() && !max.is_nan()).then_some((Seen::Number(min), Seen::Number(max)))
}

fn integers(column: &ColumnChunkMetaData) -> Integers {
    let kind = column.column_descr();
    match (kind.logical_type_ref(), kind.converted_type()) {
        (Some(LogicalType::Integer(kind)), _) if !kind.is_signed => Integers::Unsigned,
        (Some(LogicalType::Decimal(_)), _) | (None, ConvertedType::DECIMAL) => Integers::Other,
        (
            None,
            ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64,
        ) => Integers::Unsigned,
        _ => Integers::Signed,
    }
}

fn is_text(column: &ColumnChunkMetaData) -> bool {
    let kind = column.column_descr();
    matches!(kind.logical_type_ref(), Some(LogicalType::String | LogicalType::Enum | LogicalType::Json))
        || matches!(kind.converted_type(), ConvertedType::UTF8)
}
