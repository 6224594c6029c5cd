//! Stderr where a person may look: lines that stay, and below them some that are drawn again and again.

use parking_lot::Mutex;
use std::io::{self, Write, stderr};

/// What is drawn: how many lines, and how often something was wiped away.
static DRAWN: Mutex<Drawn> = Mutex::new(Drawn { lines: 0, wipes: 0 });

struct Drawn {
    lines: usize,
    wipes: u64,
}

/// When something was looked at that is to be drawn.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Moment(u64);

impl Moment {
    pub(crate) fn now() -> Self {
        Moment(DRAWN.lock().wipes)
    }
}

/// Writes what stays. A closed stderr is no reason to fail.
pub(crate) fn say(line: &str) {
    writeln!(Above, "{line}").unwrap_or(());
}

/// Draws these lines in place of those that are drawn, unless these were wiped away since `seen`: what they tell of may have
/// ended.
pub(crate) fn draw(seen: Moment, lines: &[String]) {
    let mut drawn = DRAWN.lock();
    if seen.0 == drawn.wipes && (drawn.lines > 0 || !lines.is_empty()) {
        let text = format!("{}{}", back(drawn.lines), lines.join("\n"));
        stderr().write_all(text.as_bytes()).unwrap_or(());
        drawn.lines = lines.len();
    }
}

/// Takes away what is drawn, so that what is printed next has its line for itself.
pub(crate) fn wipe() {
    let mut drawn = DRAWN.lock();
    drawn.wipes += 1;
    if drawn.lines > 0 {
        stderr().write_all(back(drawn.lines).as_bytes()).unwrap_or(());
        drawn.lines = 0;
    }
}

/// To the beginning of the first of so many lines, and all from there on erased.
fn back(lines: usize) -> String {
    match lines {
        0 => String::new(),
        1 => "\r\x1b[J".to_owned(),
        _ => format!("\r\x1b[{}A\x1b[J", lines - 1),
    }
}

/// The columns of the terminal.
pub(crate) fn width() -> usize {
    rustix::termios::tcgetwinsize(stderr()).map_or(80, |size| usize::from(size.ws_col))
}

/// Stderr above what is drawn, which goes and is drawn again by whoever drew it.
#[derive(Debug)]
pub(crate) struct Above;

impl Write for Above {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        wipe();
        stderr().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::back;

    #[test]
    fn the_way_back_is_as_long_as_what_is_drawn() {
        assert_eq!([0, 1, 3].map(back), ["", "\r\x1b[J", "\r\x1b[2A\x1b[J"]);
    }
}
