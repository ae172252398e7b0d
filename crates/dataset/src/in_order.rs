//! Work in parallel whose results come in order.

use rayon::iter::{IntoParallelIterator, ParallelIterator};

/// How many pieces each thread gets at a time: enough that the last one of a round keeps the others
/// waiting for a small part of it only.
const PIECES: usize = 4;

/// Makes piece after piece, does the work on them in rayon's threads, and takes the results in the
/// order of their pieces. While a round of pieces is worked on, this thread makes the next round
/// and takes the results of the one before; there are never more pieces than those.
///
/// # Errors
/// The first in the order of the pieces: one of `make` comes after the results of all pieces before
/// it, and after one of `take` nothing is taken any more.
pub(crate) fn in_order<Piece: Send, Done: Send, E>(
    mut make: impl FnMut() -> Result<Option<Piece>, E>,
    work: impl Fn(Piece) -> Done + Sync,
    mut take: impl FnMut(Done) -> Result<(), E>,
) -> Result<(), E> {
    let round = PIECES * rayon::current_num_threads();
    let mut next = Vec::new();
    let mut done = Vec::new();
    // What `make` said when it made no piece any more.
    let mut end = None;
    loop {
        let pieces: Vec<Piece> = std::mem::take(&mut next);
        let finished = std::mem::take(&mut done);
        rayon::in_place_scope(|scope| {
            if !pieces.is_empty() {
                scope.spawn(|_| done = pieces.into_par_iter().map(&work).collect());
            }
            while end.is_none() && next.len() < round {
                match make() {
                    Ok(Some(piece)) => next.push(piece),
                    Ok(None) => end = Some(Ok(())),
                    Err(error) => end = Some(Err(error)),
                }
            }
            finished.into_iter().try_for_each(&mut take)
        })?;
        if next.is_empty() && done.is_empty() {
            return end.unwrap_or(Ok(()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Doubles numbers up to `last`, refusing to make `no_piece` and to take the double of
    /// `no_result`.
    fn doubled(last: u32, no_piece: u32, no_result: u32) -> (Vec<u32>, Result<(), String>) {
        let mut pieces = 0..=last;
        let mut taken = Vec::new();
        let end = in_order(
            || match pieces.next() {
                Some(piece) if piece == no_piece => Err(format!("no piece {piece}")),
                piece => Ok(piece),
            },
            |piece| 2 * piece,
            |done| {
                if done == 2 * no_result {
                    return Err(format!("no result {done}"));
                }
                taken.push(done);
                Ok(())
            },
        );
        (taken, end)
    }

    #[test]
    fn results_and_errors_come_in_order_whatever_the_threads() {
        for threads in [1, 2, 7] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let doubles = |count| (0..count).map(|number| 2 * number).collect::<Vec<_>>();
            let run = |last, no_piece, no_result| {
                // In the pool, where this thread is one of those that work.
                pool.install(|| doubled(last, no_piece, no_result))
            };
            assert_eq!(run(99, 100, 100), (doubles(100), Ok(())));
            assert_eq!(run(99, 57, 100), (doubles(57), Err("no piece 57".to_owned())));
            assert_eq!(run(99, 57, 56), (doubles(56), Err("no result 112".to_owned())));
            assert_eq!(run(99, 0, 100), (Vec::new(), Err("no piece 0".to_owned())));
        }
    }
}
