//! Which types of a schema stand for which values.

use crate::avro::schema::Kind;

/// How well a type stands for a value: the least number best, nothing if it does not.
pub(super) type Choice = Option<u8>;

pub(super) fn boolean(kind: &Kind) -> Choice {
    matches!(kind, Kind::Boolean).then_some(0)
}

pub(super) fn null(kind: &Kind) -> Choice {
    matches!(kind, Kind::Null).then_some(0)
}

pub(super) fn integer(number: i64) -> impl Fn(&Kind) -> Choice {
    move |kind| match kind {
        Kind::Long => Some(0),
        Kind::Int => i32::try_from(number).is_ok().then_some(1),
        Kind::Double => Some(2),
        Kind::Float => Some(3),
        _ => None,
    }
}

pub(super) fn float(kind: &Kind) -> Choice {
    match kind {
        Kind::Float => Some(0),
        Kind::Double => Some(1),
        _ => None,
    }
}

pub(super) fn double(kind: &Kind) -> Choice {
    match kind {
        Kind::Double => Some(0),
        Kind::Float => Some(1),
        _ => None,
    }
}

pub(super) fn text(text: &str) -> impl Fn(&Kind) -> Choice + '_ {
    move |kind| match kind {
        Kind::Enum { symbols, .. } => symbols.iter().any(|symbol| symbol == text).then_some(0),
        Kind::String => Some(1),
        Kind::Bytes => Some(2),
        Kind::Fixed { bytes, .. } => (*bytes == text.len()).then_some(3),
        _ => None,
    }
}

pub(super) fn bytes(length: usize) -> impl Fn(&Kind) -> Choice {
    move |kind| match kind {
        Kind::Fixed { bytes, .. } => (*bytes == length).then_some(0),
        Kind::Bytes => Some(1),
        _ => None,
    }
}

pub(super) fn list(is_tuple: bool) -> impl Fn(&Kind) -> Choice {
    move |kind| match kind {
        Kind::Record { .. } => is_tuple.then_some(0),
        Kind::Array(_) => Some(1),
        Kind::Bytes => Some(2),
        Kind::Fixed { .. } => Some(3),
        _ => None,
    }
}

pub(super) fn map(kind: &Kind) -> Choice {
    match kind {
        Kind::Record { .. } => Some(0),
        Kind::Map(_) => Some(1),
        _ => None,
    }
}
