// SPDX-License-Identifier: Apache-2.0
//! The table the demo ends with: images and volumes by store.

/// Rows by columns, each cell a few words.
#[derive(Debug, Default)]
pub(crate) struct Table {
    columns: Vec<String>,
    rows: Vec<(String, Vec<String>)>,
}

impl Table {
    pub(crate) fn new(columns: &[&str]) -> Self {
        Self { columns: columns.iter().map(|&column| column.to_owned()).collect(), rows: Vec::new() }
    }

    /// Sets a cell; the row and the column come into being when they are new.
    pub(crate) fn set(&mut self, row: &str, column: &str, cell: impl Into<String>) {
        let at = self.columns.iter().position(|known| known == column).unwrap_or_else(|| {
            self.columns.push(column.to_owned());
            self.columns.len() - 1
        });
        let index = self.rows.iter().position(|(known, _)| known == row).unwrap_or_else(|| {
            self.rows.push((row.to_owned(), Vec::new()));
            self.rows.len() - 1
        });
        let cells = &mut self.rows[index].1;
        if cells.len() <= at {
            cells.resize(at + 1, String::new());
        }
        cells[at] = cell.into();
    }

    /// The table as text, columns aligned.
    pub(crate) fn render(&self) -> String {
        let cell = |cells: &[String], at: usize| cells.get(at).cloned().unwrap_or_default();
        let first = self.rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = self
            .columns
            .iter()
            .enumerate()
            .map(|(at, name)| {
                let longest = self.rows.iter().map(|(_, cells)| cell(cells, at).chars().count()).max();
                longest.unwrap_or(0).max(name.chars().count())
            })
            .collect();
        let line = |name: &str, cells: &[String]| {
            let mut line = format!("{name:first$}");
            for (at, width) in widths.iter().enumerate() {
                line.push_str(&format!("  {:width$}", cell(cells, at)));
            }
            line.trim_end().to_owned()
        };
        let mut lines = vec![line("", &self.columns)];
        lines.extend(self.rows.iter().map(|(name, cells)| line(name, cells)));
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_missing_cells_are_empty() {
        let mut table = Table::new(&["pure1", "pure2"]);
        table.set("image", "pure2", "uploaded 1.0 s");
        table.set("boot", "pure1", "cloned");
        assert_eq!(table.render(), "       pure1   pure2\nimage          uploaded 1.0 s\nboot   cloned");
    }
}
