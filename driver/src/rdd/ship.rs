//! How code travels: as the place of an entry in the one program that driver and executors run.
//!
//! A closure that captures nothing has no bytes, only a type; a node of an RDD is such types and data. So a task needs
//! to name one function, monomorphised for the stage it runs. It names the place of a [`Entry`]: a constant of the
//! program's image, as a distance from an anchor in the same image, which is the same in each process of one binary
//! wherever that is loaded. The receiver believes nothing: a place must lie in its own image, be aligned, begin with
//! the magic number, have the signature that is about to be called and the hash of the type it was made for.
//!
//! This file holds all the `unsafe` that shipping needs: [`Pure::function`] makes a value of a zero-sized closure, and
//! [`Entry::at`] reads a checked place.
#![expect(unsafe_code, reason = "the one place where functions become data and back")]

use rsk_proto::{CodecError, Decoder, Encoder};
use std::{
    any::TypeId,
    fs,
    hash::BuildHasher,
    marker::PhantomData,
    ops::Range,
    ptr::{self, NonNull},
    sync::OnceLock,
};

#[cfg(panic = "abort")]
compile_error!(
    "rsk needs panic = \"unwind\": a panic in one task must not end the executor and its other tasks"
);

const MAGIC: u64 = 0x7273_6b5f_656e_7472;

/// A function of this program that another process of the same program may be asked to call.
#[repr(C)]
pub(crate) struct Entry<F: 'static> {
    magic: u64,
    /// What `call` takes and gives.
    signature: TypeId,
    /// What it was monomorphised for.
    of: TypeId,
    call: F,
}

/// What all entries begin with, whatever they call.
#[repr(C)]
struct Head {
    magic: u64,
    signature: TypeId,
    of: TypeId,
}

impl<F: Copy + 'static> Entry<F> {
    /// An entry that calls `call`, a function made for the type `R`. Used inside `const { &Entry::new(…) }`.
    pub(crate) const fn new<R: 'static>(call: F) -> Self {
        Entry { magic: MAGIC, signature: TypeId::of::<F>(), of: TypeId::of::<R>(), call }
    }

    /// Writes where this entry is.
    pub(crate) fn encode(&'static self, to: &mut Encoder) {
        to.put(&(ptr::from_ref(self).expose_provenance().wrapping_sub(anchor()) as u64));
        to.put(&hash_of(self.of));
    }

    /// The function at the place that was written.
    ///
    /// Errors: [`CodecError::Place`] for whatever is not an entry of this signature and type in this program.
    pub(crate) fn decode(from: &mut Decoder<'_>) -> Result<F, CodecError> {
        let (place, of): (u64, u64) = (from.get()?, from.get()?);
        let address = anchor().wrapping_add(rsk_proto::to_usize(place));
        let entry = Self::at(address).filter(|entry| hash_of(entry.of) == of);
        let refuse = || {
            CodecError::Place(format!(
                "no function of this program is at {address:#x}: it is another program"
            ))
        };
        entry.map(|entry| entry.call).ok_or_else(refuse)
    }

    /// The entry at an address, if there is one.
    fn at(address: usize) -> Option<&'static Self> {
        let end = address.checked_add(size_of::<Self>())?;
        let is_inside = image().iter().any(|range| range.start <= address && end <= range.end);
        if !is_inside || !address.is_multiple_of(align_of::<Self>()) {
            return None;
        }
        // SAFETY: the range is mapped readable for as long as the program runs, aligned, and large enough; integers
        // and `TypeId`s have no invalid bit patterns, so reading a `Head` is sound whatever is there.
        let head = unsafe { ptr::with_exposed_provenance::<Head>(address).read() };
        if head.magic != MAGIC || head.signature != TypeId::of::<F>() {
            return None;
        }
        // SAFETY: as above; and magic and signature say that `Entry::<F>::new` made these constant bytes, so the
        // function pointer after them is one of type `F`.
        Some(unsafe { &*ptr::with_exposed_provenance::<Self>(address) })
    }
}

/// A place in the image that all others are counted from.
fn anchor() -> usize {
    static ANCHOR: u64 = MAGIC;
    ptr::from_ref(&ANCHOR).expose_provenance()
}

fn hash_of(id: TypeId) -> u64 {
    foldhash::quality::FixedState::with_seed(0).hash_one(id)
}

/// The readable parts of the program's own file in memory: the mappings of the file that holds the anchor.
fn image() -> &'static [Range<usize>] {
    static IMAGE: OnceLock<Vec<Range<usize>>> = OnceLock::new();
    IMAGE.get_or_init(|| {
        let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
        let mappings: Vec<_> = maps.lines().filter_map(mapping).collect();
        let own = mappings.iter().find(|(range, _)| range.contains(&anchor())).map(|(_, file)| *file);
        mappings.iter().filter(|(_, file)| Some(*file) == own).map(|(range, _)| range.clone()).collect()
    })
}

/// A readable mapping of a file: its range, and the file's device and inode.
fn mapping(line: &str) -> Option<(Range<usize>, (&str, &str))> {
    let mut fields = line.split_ascii_whitespace();
    let (start, end) = fields.next()?.split_once('-')?;
    let range = usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?;
    let is_readable = fields.next()?.starts_with('r');
    let (_offset, device, inode) = (fields.next()?, fields.next()?, fields.next()?);
    (is_readable && inode != "0").then_some((range, (device, inode)))
}

/// A closure that captures nothing: no bytes to send, only its type.
///
/// One that captures does not build; [`with`](super::Transform::with) is the way:
///
/// ```compile_fail
/// use rsk::prelude::*;
/// let ctx = rsk::Context::new("local")?;
/// let factor = std::env::args().count() as u64;
/// ctx.range(0..4, 2).map(move |x| x * factor).count()?;
/// # Ok::<(), rsk::Error>(())
/// ```
///
/// ```
/// use rsk::prelude::*;
/// let ctx = rsk::Context::new("local")?;
/// let factor = std::env::args().count() as u64;
/// ctx.range(0..4, 2).with(factor).map(|factor, x| x * factor).count()?;
/// # Ok::<(), rsk::Error>(())
/// ```
pub struct Pure<F>(PhantomData<fn() -> F>);

impl<F: Copy + 'static> Pure<F> {
    const IS_EMPTY: () = assert!(
        size_of::<F>() == 0,
        "this closure captures its environment, or it is a function pointer: neither would travel to executors. Hand a \
         value over with `.with(value)` before the operator, and the closure gets it as its first argument. Give a \
         function by its name, without `as fn(…)`, or call it in a closure. A constant or a `static` that is \
         initialised where it is defined, such as a `LazyLock`, needs no capture"
    );

    /// Takes the type of a closure.
    pub(crate) fn new(_: F) -> Self {
        let () = Self::IS_EMPTY;
        Pure(PhantomData)
    }

    /// The closure.
    #[inline]
    #[expect(clippy::unused_self, reason = "that a `Pure` is there is what makes this sound")]
    pub(crate) fn function(self) -> F {
        let () = Self::IS_EMPTY;
        // SAFETY: a value of zero size may be read from any aligned non-null address. `Pure::new`, the only way to a
        // first `Pure<F>` in a driver, was given a value of `F`, so `F` is inhabited; an executor makes one only from
        // a node type that such a driver had. `F` is `Copy`, so one more of it breaks no promise.
        unsafe { NonNull::<F>::dangling().read() }
    }

    /// The same closure in an executor.
    pub(crate) fn decoded() -> Self {
        Pure(PhantomData)
    }
}

impl<F> Clone for Pure<F> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<F> Copy for Pure<F> {}

impl<F> std::fmt::Debug for Pure<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(std::any::type_name::<F>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rsk_proto::{AnyValue, Cause, ValueId, Values};

    struct NoValues;
    impl Values for NoValues {
        fn value(
            &self,
            id: ValueId,
            _: TypeId,
            _: fn(&[u8]) -> Result<AnyValue, CodecError>,
        ) -> Result<AnyValue, CodecError> {
            Err(CodecError::Value(id, Cause::new("no driver")))
        }
    }

    type Call = fn(u64) -> u64;

    fn entry<T: 'static>(call: Call) -> &'static Entry<Call> {
        // Leaked rather than constant: it lies outside the image, as a forged one would.
        Box::leak(Box::new(Entry::new::<T>(call)))
    }

    fn constant<T: 'static>() -> &'static Entry<Call> {
        const { &Entry::new::<T>((|x| x + size_of::<T>() as u64) as Call) }
    }

    fn sent(entry: &'static Entry<Call>) -> Vec<u8> {
        let mut to = Encoder::default();
        entry.encode(&mut to);
        to.finish().unwrap()
    }

    #[test]
    fn an_entry_of_a_generic_function_is_found_again() {
        let call = Entry::<Call>::decode(&mut Decoder::new(&sent(constant::<u32>()), &NoValues)).unwrap();
        assert_eq!(call(1), 5);
    }

    #[test]
    fn an_address_outside_the_image_is_refused() {
        let bytes = sent(entry::<u32>(|x| x));
        assert!(matches!(
            Entry::<Call>::decode(&mut Decoder::new(&bytes, &NoValues)),
            Err(CodecError::Place(_))
        ));
    }

    #[test]
    fn another_signature_or_type_is_refused() {
        let bytes = sent(constant::<u32>());
        assert!(Entry::<fn(u32) -> u64>::decode(&mut Decoder::new(&bytes, &NoValues)).is_err());
        let mut to = Encoder::default();
        to.put(&Decoder::new(&bytes, &NoValues).get::<u64>().unwrap());
        to.put(&hash_of(TypeId::of::<u64>()));
        let bytes = to.finish().unwrap();
        assert!(Entry::<Call>::decode(&mut Decoder::new(&bytes, &NoValues)).is_err());
    }

    #[test]
    fn every_other_place_in_and_around_the_image_is_refused() {
        for place in (0..1u64 << 20).step_by(8).flat_map(|n| [n, n.wrapping_neg()]) {
            let mut to = Encoder::default();
            to.put(&place);
            to.put(&hash_of(TypeId::of::<()>()));
            let bytes = to.finish().unwrap();
            assert!(Entry::<Call>::decode(&mut Decoder::new(&bytes, &NoValues)).is_err(), "{place:#x}");
        }
    }
}
