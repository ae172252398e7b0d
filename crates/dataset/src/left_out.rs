//! The files that are no tables, which are left out where another file is one.

use crate::table_error::TableError;

/// The files that are left out, with the reason.
#[derive(Default)]
pub(crate) struct LeftOut(Vec<(String, TableError)>);

impl LeftOut {
    /// Leaves a file out if the result of reading it is that it is no table. Returns any other result.
    pub(crate) fn or(
        &mut self,
        file: &str,
        read: Result<(), TableError>,
    ) -> Result<(), TableError> {
        match read {
            Err(error) if error.is_no_table() => {
                self.0.push((file.to_owned(), error));
                Ok(())
            }
            read => read,
        }
    }

    /// Returns why each file was left out.
    ///
    /// # Errors
    /// Returns the reasons as an error if there are some and no file `is_read`.
    pub(crate) fn finish(mut self, is_read: bool) -> Result<Vec<String>, TableError> {
        if !is_read
            && self.0.len() == 1
            && let Some((_, error)) = self.0.pop()
        {
            return Err(error);
        }
        let reasons = self.0.iter().map(|(file, error)| error.why_left_out(file));
        let reasons: Vec<String> = reasons.collect();
        if is_read || reasons.is_empty() {
            Ok(reasons)
        } else {
            Err(TableError::NoTable { reasons })
        }
    }
}
