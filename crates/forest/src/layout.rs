//! Where the bin of a row's feature is kept while a tree grows.

use rayon::prelude::*;

use crate::bins::LANES;
use crate::table::Table;

/// A bin's number.
pub(crate) trait Code: Copy + Default + Send + Sync {
    fn new(code: usize) -> Self;
    fn get(self) -> usize;
}

impl Code for u8 {
    fn new(code: usize) -> Self {
        code as u8
    }
    fn get(self) -> usize {
        self.into()
    }
}

impl Code for u16 {
    fn new(code: usize) -> Self {
        code as u16
    }
    fn get(self) -> usize {
        self.into()
    }
}

/// A table of two classes as records that a tree can copy and move.
pub(crate) trait Layout: Sync {
    type Record: Copy + Default + Send;

    /// Writes a row and how often it was drawn.
    fn copy(&self, row: usize, drawn: u8, to: &mut Self::Record);

    /// The bin of a feature.
    fn code(&self, record: &Self::Record, feature: usize) -> usize;

    /// Twice how often it was drawn, and its class.
    fn kind(record: &Self::Record) -> u8;
}

/// A narrow table: the record is the row itself, and what a node needs lies side by side. The last
/// of its places is its kind.
pub(crate) struct Rows<C, const N: usize>(Vec<Row<C, N>>);

/// No row of 16, 32 or 64 bytes then lies in more cache lines than it must.
#[derive(Clone, Copy)]
#[repr(align(16))]
pub(crate) struct Row<C, const N: usize>([C; N]);

impl<C: Code, const N: usize> Default for Row<C, N> {
    fn default() -> Self {
        Self([C::default(); N])
    }
}

impl<C: Code, const N: usize> Rows<C, N> {
    /// The rows of a table of fewer than `N` features.
    pub(crate) fn new(table: &Table<'_>) -> Self {
        let mut rows = vec![Row::default(); table.labels.len()];
        rows.par_chunks_mut(LANES).enumerate().with_min_len(128).for_each(|(chunk, rows)| {
            let first = chunk * LANES;
            for feature in 0..table.features() {
                for (row, code) in rows.iter_mut().zip(codes(table, feature, first)) {
                    row.0[feature] = C::new(code);
                }
            }
            for (row, &label) in rows.iter_mut().zip(&table.labels[first..]) {
                row.0[N - 1] = C::new(label as usize);
            }
        });
        Self(rows)
    }
}

impl<C: Code, const N: usize> Layout for Rows<C, N> {
    type Record = Row<C, N>;

    #[inline]
    fn copy(&self, row: usize, drawn: u8, to: &mut Row<C, N>) {
        let row = &self.0[row];
        let kind = C::new(usize::from(drawn) << 1 | row.0[N - 1].get());
        *to = *row;
        to.0[N - 1] = kind;
    }

    #[inline]
    fn code(&self, record: &Row<C, N>, feature: usize) -> usize {
        // N is a power of two: the mask changes nothing, and spares a check.
        record.0[feature & (N - 1)].get()
    }

    #[inline]
    fn kind(record: &Row<C, N>) -> u8 {
        record.0[N - 1].get() as u8
    }
}

/// A wide table: the record is a row's number, and each feature has a column of its own.
pub(crate) struct Columns<C> {
    codes: Vec<Vec<C>>,
    classes: Vec<u8>,
}

impl<C: Code> Columns<C> {
    pub(crate) fn new(table: &Table<'_>) -> Self {
        let classes = table.labels.iter().map(|&label| label as u8).collect();
        Self { codes: columns(table), classes }
    }
}

impl<C: Code> Layout for Columns<C> {
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

/// The bins of each feature's values.
pub(crate) fn columns<C: Code>(table: &Table<'_>) -> Vec<Vec<C>> {
    let columns = (0..table.features()).into_par_iter().map(|feature| {
        let mut column = vec![C::default(); table.labels.len()];
        for (chunk, places) in column.chunks_mut(LANES).enumerate() {
            for (place, code) in places.iter_mut().zip(codes(table, feature, chunk * LANES)) {
                *place = C::new(code);
            }
        }
        column
    });
    columns.collect()
}

/// The bins of a feature of some rows, from `first` on; beyond the last row that of the last one.
fn codes(table: &Table<'_>, feature: usize, first: usize) -> [usize; LANES] {
    let last = table.labels.len() - 1;
    let value = |lane| table.row(last.min(first + lane))[feature];
    table.bins[feature].codes(std::array::from_fn(value))
}
