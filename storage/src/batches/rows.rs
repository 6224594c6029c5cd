//! Typed rows of batches, and batches of typed rows.

use arrow_array::RecordBatch;
use arrow_schema::FieldRef;
use rsk_proto::Cause;
use serde::{Serialize, de::DeserializeOwned};
use serde_arrow::schema::{SchemaLike, TracingOptions};
use std::any::type_name;

/// How many rows a batch has where nothing else is said.
pub const BATCH_ROWS: usize = 8192;

/// Rows are not of a type, or the type has no columns.
#[derive(Debug, thiserror::Error)]
#[error("{asked} cannot be rows of record batches")]
pub struct RowsError {
    /// The type.
    pub asked: &'static str,
    /// Why.
    #[source]
    pub cause: Cause,
}

impl RowsError {
    fn of<T>(error: &serde_arrow::Error) -> RowsError {
        RowsError { asked: type_name::<T>(), cause: Cause::new(error.message()) }
    }
}

/// The rows of a batch, each as the type asked for: fields are found by name.
///
/// Errors: a column is missing, or not of the field's type; none where `Option` is not said.
///
/// See [`RowSchema`] for an example.
pub fn rows_of<T: DeserializeOwned>(batch: &RecordBatch) -> Result<Vec<T>, RowsError> {
    serde_arrow::from_record_batch(batch).map_err(|error| RowsError::of::<T>(&error))
}

/// The columns that a type's fields are.
///
/// ```
/// use rsk_storage::{RowSchema, rows_of};
/// #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
/// struct Visit { page: String, seconds: Option<f64> }
/// let visits = vec![Visit { page: "/".to_owned(), seconds: Some(1.5) }];
/// let batch = RowSchema::of::<Visit>()?.batch(&visits)?;
/// assert_eq!((batch.num_rows(), batch.num_columns()), (1, 2));
/// assert_eq!(rows_of::<Visit>(&batch)?, visits);
/// assert!(RowSchema::of::<u64>().is_err());
/// # Ok::<(), rsk_storage::RowsError>(())
/// ```
#[derive(Debug, Clone)]
pub struct RowSchema(Vec<FieldRef>);

impl RowSchema {
    /// Finds them out from how the type is deserialized.
    ///
    /// Shape: enums without data become text, maps Arrow's maps. Errors: the type is no struct; one of its fields has no type
    /// of its own, or holds itself.
    pub fn of<T: DeserializeOwned>() -> Result<RowSchema, RowsError> {
        let options = TracingOptions::default()
            .map_as_struct(false)
            .allow_null_fields(true)
            .enums_without_data_as_strings(true)
            .strings_as_large_utf8(false)
            .bytes_as_large_binary(false)
            .sequence_as_large_list(false);
        let fields = Vec::<FieldRef>::from_type::<T>(options);
        fields.map(RowSchema).map_err(|error| RowsError::of::<T>(&error))
    }

    /// A batch of rows.
    pub fn batch<T: Serialize>(&self, rows: &[T]) -> Result<RecordBatch, RowsError> {
        serde_arrow::to_record_batch(&self.0, &rows).map_err(|error| RowsError::of::<T>(&error))
    }
}
