//! Columns.

use std::fmt::Write as _;

/// Rows of text under a head, padded to columns with two spaces between.
#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(head: &[&str]) -> Self {
        Self { rows: vec![head.iter().map(|&cell| cell.to_owned()).collect()] }
    }

    /// A table of keys and values, which need no head.
    pub(crate) fn pairs() -> Self {
        Self { rows: vec![] }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(clean).collect());
    }
}

/// What comes from elsewhere may hold what would move a terminal's cursor.
fn clean(cell: String) -> String {
    if cell.chars().any(char::is_control) {
        cell.chars().map(|char| if char.is_control() { '?' } else { char }).collect()
    } else {
        cell
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let mut widths = vec![0; columns];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        for row in &self.rows {
            let mut line = String::new();
            for (width, cell) in widths.iter().zip(row) {
                write!(line, "{cell:width$}  ")?;
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&["NAME", "STATE"]);
        table.row(["a-long-name".to_owned(), "running".to_owned()]);
        table.row(["b".to_owned(), "\u{1b}[2J".to_owned()]);
        assert_eq!(table.to_string(), "NAME         STATE\na-long-name  running\nb            ?[2J\n");
    }
}
