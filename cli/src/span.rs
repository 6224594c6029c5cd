//! Lengths of time as people write and read them.

use std::{fmt, str::FromStr, time::Duration};

/// A length of time: `90`, `90s`, `5m`, `2h` or `1d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) Duration);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = || format!("{text:?} is no time: 90s, 5m, 2h and 1d are");
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let unit = match &text[digits.len()..] {
            "" | "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 24 * 3600,
            _ => return Err(refuse()),
        };
        let seconds = digits.parse::<u64>().ok().and_then(|n| n.checked_mul(unit)).ok_or_else(refuse)?;
        Ok(Span(Duration::from_secs(seconds)))
    }
}

/// The two greatest units: `2h 5m`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (days, hours, minutes) = (seconds / 86400, seconds / 3600 % 24, seconds / 60 % 60);
        match (days, hours, minutes) {
            (1.., _, _) => write!(f, "{days}d {hours}h"),
            (_, 1.., _) => write!(f, "{hours}h {minutes}m"),
            (_, _, 1..) => write!(f, "{minutes}m {}s", seconds % 60),
            _ => write!(f, "{seconds}s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_and_print_as_people_write_them() {
        for (text, seconds, shown) in [
            ("90", 90, "1m 30s"),
            ("5m", 300, "5m 0s"),
            ("2h", 7200, "2h 0m"),
            ("1d", 86400, "1d 0h"),
            ("0s", 0, "0s"),
        ] {
            let span: Span = text.parse().unwrap();
            assert_eq!((span.0.as_secs(), span.to_string().as_str()), (seconds, shown), "{text}");
        }
        for wrong in ["", "s", "-1s", "1w", "1.5h", "99999999999999999999d", "é"] {
            assert!(wrong.parse::<Span>().is_err(), "{wrong}");
        }
    }
}
