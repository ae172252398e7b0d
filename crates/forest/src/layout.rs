//! The memory layout of the bin codes while a tree grows.

use rayon::prelude::*;

use crate::binned::BinnedTable;
use crate::bins::SEARCH_LANES;

/// A bin code: the number of a bin as an unsigned integer of 8 or 16 bits.
pub(crate) trait BinCode: Copy + Default + Send + Sync {
    fn new(code: usize) -> Self;
    fn get(self) -> usize;
}

impl BinCode for u8 {
    fn new(code: usize) -> Self {
        code as u8
    }
    fn get(self) -> usize {
        self.into()
    }
}

impl BinCode for u16 {
    fn new(code: usize) -> Self {
        code as u16
    }
    fn get(self) -> usize {
        self.into()
    }
}

/// A table of two classes, stored as records that a tree copies and moves.
pub(crate) trait RecordLayout: Sync {
    type Record: Copy + Default + Send;

    /// Writes the record of a row that was drawn `drawn` times to `to`.
    fn copy(&self, row: usize, drawn: u8, to: &mut Self::Record);

    /// Returns the bin of a feature.
    fn code(&self, record: &Self::Record, feature: usize) -> usize;

    /// Returns the record's kind: twice its draw count, plus its class (0 or 1).
    fn kind(record: &Self::Record) -> u8;
}

/// The layout of a narrow table: a record holds all bins of its row, so that everything a node
/// needs is adjacent in memory. The last of the `N` places holds the kind.
pub(crate) struct RowMajor<C, const N: usize>(Vec<PackedRow<C, N>>);

/// A record of 16, 32 or 64 bytes. The alignment keeps it from spanning more cache lines than
/// necessary.
#[derive(Clone, Copy)]
#[repr(align(16))]
pub(crate) struct PackedRow<C, const N: usize>([C; N]);

impl<C: BinCode, const N: usize> Default for PackedRow<C, N> {
    fn default() -> Self {
        Self([C::default(); N])
    }
}

impl<C: BinCode, const N: usize> RowMajor<C, N> {
    /// Packs the rows of a table of fewer than `N` features.
    pub(crate) fn new(table: &BinnedTable<'_>) -> Self {
        let mut rows = vec![PackedRow::default(); table.labels.len()];
        rows.par_chunks_mut(SEARCH_LANES).enumerate().with_min_len(128).for_each(
            |(chunk, rows)| {
                let first = chunk * SEARCH_LANES;
                for feature in 0..table.features() {
                    for (row, code) in rows.iter_mut().zip(codes_of_rows(table, feature, first)) {
                        row.0[feature] = C::new(code);
                    }
                }
                for (row, &label) in rows.iter_mut().zip(&table.labels[first..]) {
                    row.0[N - 1] = C::new(label as usize);
                }
            },
        );
        Self(rows)
    }
}

impl<C: BinCode, const N: usize> RecordLayout for RowMajor<C, N> {
    type Record = PackedRow<C, N>;

    #[inline]
    fn copy(&self, row: usize, drawn: u8, to: &mut PackedRow<C, N>) {
        let row = &self.0[row];
        let kind = C::new(usize::from(drawn) << 1 | row.0[N - 1].get());
        *to = *row;
        to.0[N - 1] = kind;
    }

    #[inline]
    fn code(&self, record: &PackedRow<C, N>, feature: usize) -> usize {
        // N is a power of two: the mask changes nothing and removes a bounds check.
        record.0[feature & (N - 1)].get()
    }

    #[inline]
    fn kind(record: &PackedRow<C, N>) -> u8 {
        record.0[N - 1].get() as u8
    }
}

/// The layout of a wide table: a record holds the row's number and kind, and each feature has a
/// column of its own.
pub(crate) struct ColumnMajor<C> {
    codes: Vec<Vec<C>>,
    classes: Vec<u8>,
}

impl<C: BinCode> ColumnMajor<C> {
    pub(crate) fn new(table: &BinnedTable<'_>) -> Self {
        let classes = table.labels.iter().map(|&label| label as u8).collect();
        Self { codes: code_columns(table), classes }
    }
}

impl<C: BinCode> RecordLayout for ColumnMajor<C> {
    type Record = (u32, u32);

    #[inline]
    fn copy(&self, row: usize, drawn: u8, to: &mut (u32, u32)) {
        *to = (row as u32, u32::from(drawn) << 1 | u32::from(self.classes[row]));
    }

    #[inline]
    fn code(&self, (row, _): &(u32, u32), feature: usize) -> usize {
        self.codes[feature][*row as usize].get()
    }

    #[inline]
    fn kind((_, kind): &(u32, u32)) -> u8 {
        *kind as u8
    }
}

/// Returns the bin codes of the table, one column per feature.
pub(crate) fn code_columns<C: BinCode>(table: &BinnedTable<'_>) -> Vec<Vec<C>> {
    let columns = (0..table.features()).into_par_iter().map(|feature| {
        let mut column = vec![C::default(); table.labels.len()];
        for (chunk, places) in column.chunks_mut(SEARCH_LANES).enumerate() {
            for (place, code) in
                places.iter_mut().zip(codes_of_rows(table, feature, chunk * SEARCH_LANES))
            {
                *place = C::new(code);
            }
        }
        column
    });
    columns.collect()
}

/// Returns the bins of one feature for the rows from `first` on; places beyond the last row repeat
/// the last row's bin.
fn codes_of_rows(table: &BinnedTable<'_>, feature: usize, first: usize) -> [usize; SEARCH_LANES] {
    let last = table.labels.len() - 1;
    let value = |lane| table.row(last.min(first + lane))[feature];
    table.bins[feature].codes(std::array::from_fn(value))
}
