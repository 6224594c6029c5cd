//! What can be summed: the numbers of the language.

use rsk_proto::Data;
use serde::{Deserialize, Serialize};

/// A number of the language, up to 64 bits.
///
/// Shape: sealed; `u8` to `u64`, `usize`, `i8` to `i64`, `isize`, `f32` and `f64`.
pub trait Number: Data + Sync + Copy + sealed::Number {
    /// What a sum of them is: `u64`, `i64` or `f64`.
    type Sum: Send + std::fmt::Debug + 'static;

    /// How they add up.
    #[doc(hidden)]
    type Total: Total<Self>;

    /// The nearest `f64`. From 2^53 on not all integers have one of their own.
    fn to_f64(self) -> f64;
}

mod sealed {
    pub trait Number {}
}

/// What some numbers have added up to.
#[doc(hidden)]
pub trait Total<N: Number>: Data + Default + Copy {
    /// Adds a number.
    fn add(&mut self, number: N);
    /// Adds another total.
    fn merge(&mut self, other: Self);
    /// The sum; nothing where its type has no room for it.
    fn sum(self) -> Option<N::Sum>;
    /// The nearest `f64`.
    fn to_f64(self) -> f64;
}

/// Integers summed without a bound that records could reach.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Exact(i128);

/// Floating-point numbers summed with the rounding errors kept aside, so that the sum of many is as exact as one
/// addition, nearly. NaN and infinities come through as in a plain sum.
///
/// Source: Neumaier, *Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen*, ZAMM 54, 1974.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Compensated {
    sum: f64,
    error: f64,
}

impl Compensated {
    #[inline]
    pub(super) fn add(&mut self, x: f64) {
        let sum = self.sum + x;
        self.error += if self.sum.abs() >= x.abs() { (self.sum - sum) + x } else { (x - sum) + self.sum };
        self.sum = sum;
    }

    pub(super) fn merge(&mut self, other: Compensated) {
        self.add(other.sum);
        self.error += other.error;
    }

    pub(super) fn get(self) -> f64 {
        if self.sum.is_finite() { self.sum + self.error } else { self.sum }
    }
}

macro_rules! integers {
    ($($number:ty => $sum:ty, $wide:expr, $to_f64:expr;)*) => {$(
        impl sealed::Number for $number {}

        impl Number for $number {
            type Sum = $sum;
            type Total = Exact;

            #[inline]
            fn to_f64(self) -> f64 {
                $to_f64(self)
            }
        }

        impl Total<$number> for Exact {
            #[inline]
            fn add(&mut self, number: $number) {
                self.0 += $wide(number);
            }

            fn merge(&mut self, other: Exact) {
                self.0 += other.0;
            }

            fn sum(self) -> Option<$sum> {
                self.0.try_into().ok()
            }

            fn to_f64(self) -> f64 {
                rounded(self.0)
            }
        }
    )*};
}

macro_rules! floats {
    ($($number:ty),*) => {$(
        impl sealed::Number for $number {}

        impl Number for $number {
            type Sum = f64;
            type Total = Compensated;

            #[inline]
            fn to_f64(self) -> f64 {
                self.into()
            }
        }

        impl Total<$number> for Compensated {
            #[inline]
            fn add(&mut self, number: $number) {
                self.add(number.into());
            }

            fn merge(&mut self, other: Compensated) {
                self.merge(other);
            }

            fn sum(self) -> Option<f64> {
                Some(self.get())
            }

            fn to_f64(self) -> f64 {
                self.get()
            }
        }
    )*};
}

#[expect(clippy::cast_precision_loss, reason = "that is what it is for")]
fn rounded(number: i128) -> f64 {
    number as f64
}

#[expect(clippy::cast_precision_loss, reason = "that is what it is for")]
fn unsigned(number: u64) -> f64 {
    number as f64
}

#[expect(clippy::cast_precision_loss, reason = "that is what it is for")]
fn signed(number: i64) -> f64 {
    number as f64
}

integers! {
    u8 => u64, i128::from, f64::from;
    u16 => u64, i128::from, f64::from;
    u32 => u64, i128::from, f64::from;
    u64 => u64, i128::from, unsigned;
    usize => u64, |number| number as i128, |number| unsigned(number as u64);
    i8 => i64, i128::from, f64::from;
    i16 => i64, i128::from, f64::from;
    i32 => i64, i128::from, f64::from;
    i64 => i64, i128::from, signed;
    isize => i64, |number| number as i128, |number| signed(number as i64);
}

floats!(f32, f64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_errors_do_not_add_up() {
        let mut sum = Compensated::default();
        for x in [1e100, 1.0, -1e100] {
            sum.add(x);
        }
        assert_eq!(sum.get().to_bits(), 1f64.to_bits());
        let mut sum = Compensated::default();
        (0..1_000_000).for_each(|_| sum.add(0.1));
        assert_eq!(sum.get().to_bits(), 100_000f64.to_bits());
    }

    #[test]
    fn infinities_and_nan_come_through() {
        let sum = |numbers: &[f64]| {
            let mut sum = Compensated::default();
            for x in numbers {
                sum.add(*x);
            }
            sum.get()
        };
        assert!(sum(&[1.0, f64::INFINITY, 2.0]).is_infinite());
        assert!(sum(&[f64::INFINITY, f64::NEG_INFINITY]).is_nan());
        assert!(sum(&[1.0, f64::NAN]).is_nan());
        assert!(sum(&[f64::MAX, f64::MAX]).is_infinite());
    }
}
