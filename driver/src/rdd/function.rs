//! Functions of operators, with or without a value handed to `with`.

use super::ship::Pure;
use crate::value::Captured;
use rsk_proto::{CodecError, Data, Decoder, Encoder};

/// What a function of an operator must be: its code and nothing beside it, so that it travels as a place in the program.
///
/// Shape: each closure that captures nothing and each function by its name. A closure that captures what cannot be copied is
/// refused here; one that captures a copy is refused when the program is built, by [`Pure`]. Both say what to do: hand the
/// value over by [`with`](super::Transform::with).
///
/// ```
/// fn travels<F: rsk::rdd::Stateless>(_: F) {}
/// travels(|n: u64| n + 1);
/// travels(u64::count_ones);
/// ```
#[diagnostic::on_unimplemented(
    message = "this closure captures a value, which would not travel to the executors: hand it over by `.with(value)`",
    label = "captures a value that cannot be copied",
    note = "write `.with(value)` before the operator, and the closure gets `&value` as its first argument: \
            `rdd.with(table).map(|table, item| …)`; several values are a tuple",
    note = "a `const`, or a `static` that is initialised where it is defined, needs no capture"
)]
pub trait Stateless: Copy + Send + Sync + 'static {}
#[diagnostic::do_not_recommend]
impl<F: Copy + Send + Sync + 'static> Stateless for F {}

/// A function of an operator, as its node keeps it. `In` is a tuple of arguments, so that one trait serves all.
///
/// Shape: [`Pure`] for a closure that captures nothing, [`Bound`] for one with a value handed to `with`.
pub trait Function<In>: Clone + Send + Sync + 'static {
    /// What it gives.
    type Out;
    /// Calls it.
    fn call(&self, input: In) -> Self::Out;
    /// Writes the value it was given, if any; the code needs no bytes.
    fn encode(&self, to: &mut Encoder);
    /// The same function in an executor.
    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError>;
}

/// A closure and the value handed to `with`: the value travels, the closure need not.
#[derive(Debug)]
pub struct Bound<E, F> {
    pub(crate) value: Captured<E>,
    pub(crate) function: Pure<F>,
}

impl<E, F> Clone for Bound<E, F> {
    fn clone(&self) -> Self {
        Bound { value: self.value.clone(), function: self.function }
    }
}

impl<E: Data + Sync, F: Stateless> Bound<E, F> {
    pub(crate) fn new(value: Captured<E>, function: F) -> Self {
        Bound { value, function: Pure::new(function) }
    }
}

macro_rules! functions {
    ($($argument:ident $name:ident),*) => {
        impl<$($argument,)* Out, F> Function<($($argument,)*)> for Pure<F>
        where
            F: Fn($($argument),*) -> Out + Stateless,
        {
            type Out = Out;

            #[inline]
            fn call(&self, ($($name,)*): ($($argument,)*)) -> Out {
                self.function()($($name),*)
            }

            fn encode(&self, _: &mut Encoder) {}

            fn decode(_: &mut Decoder<'_>) -> Result<Self, CodecError> {
                Ok(Pure::decoded())
            }
        }

        impl<E, $($argument,)* Out, F> Function<($($argument,)*)> for Bound<E, F>
        where
            E: Data + Sync,
            F: Fn(&E, $($argument),*) -> Out + Stateless,
        {
            type Out = Out;

            #[inline]
            fn call(&self, ($($name,)*): ($($argument,)*)) -> Out {
                self.function.function()(self.value.get(), $($name),*)
            }

            fn encode(&self, to: &mut Encoder) {
                self.value.encode(to);
            }

            fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
                Ok(Bound { value: Captured::decode(from)?, function: Pure::decoded() })
            }
        }
    };
}

functions!(A a);
functions!(A a, B b);
