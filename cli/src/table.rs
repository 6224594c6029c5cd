//! Tables for terminals, and for `awk`.

/// A table: columns as wide as what is in them, two blanks apart; numbers on the right.
#[derive(Debug)]
pub(crate) struct Table {
    heads: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these heads. One that begins with `>` is of a column of numbers.
    pub(crate) fn new(heads: &[&'static str]) -> Self {
        Table { heads: heads.to_vec(), rows: Vec::new() }
    }

    /// One more row, with a cell a head.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        debug_assert_eq!(N, self.heads.len(), "a cell a head");
        // What others have named must not break lines, nor command the terminal.
        let plain = |cell: String| match cell.as_str() {
            "" => "-".to_owned(),
            _ => cell.replace(char::is_control, "?"),
        };
        self.rows.push(cells.into_iter().map(plain).collect());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Its lines, or what to say where it has none.
    pub(crate) fn print(&self, none: &str) -> String {
        if self.is_empty() {
            return format!("{none}\n");
        }
        let heads: Vec<_> = self.heads.iter().map(|head| head.trim_start_matches('>').to_owned()).collect();
        let length = |cell: &String| cell.chars().count();
        let width =
            |at: usize| self.rows.iter().chain([&heads]).map(|row| length(&row[at])).max().unwrap_or(0);
        let widths: Vec<_> = (0..heads.len()).map(width).collect();
        let mut text = String::new();
        for row in [&heads].into_iter().chain(&self.rows) {
            let mut line = String::new();
            for ((cell, width), head) in row.iter().zip(&widths).zip(&self.heads) {
                let blanks = " ".repeat(width - length(cell));
                if head.starts_with('>') {
                    line.extend([blanks.as_str(), cell, "  "]);
                } else {
                    line.extend([cell, blanks.as_str(), "  "]);
                }
            }
            text.extend([line.trim_end(), "\n"]);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_nothing_breaks_out() {
        let mut table = Table::new(&["NAME", ">CPUS"]);
        assert_eq!(table.print("nothing"), "nothing\n");
        table.row(["é\n\x1b[2J".to_owned(), "12".to_owned()]);
        table.row([String::new(), "1".to_owned()]);
        assert_eq!(table.print(""), "NAME    CPUS\né??[2J    12\n-          1\n");
    }
}
