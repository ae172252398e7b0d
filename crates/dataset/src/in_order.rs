//! Runs tasks in parallel and returns their results in order.

use rayon::iter::{IntoParallelIterator, ParallelIterator};

/// The number of tasks in a round for each thread: enough that waiting for the last task of a round
/// costs little.
const TASKS_PER_THREAD: usize = 4;

/// Runs tasks in rayon's threads and passes their results to `take` in the order of the tasks.
///
/// Tasks run in rounds. While a round runs, this thread makes the next one and takes the results of
/// the one before, so at most three rounds are in memory.
///
/// # Errors
/// Returns the first error in the order of the tasks. An error of `make` is returned after the
/// results of all earlier tasks were taken; after an error of `take` nothing more is taken.
pub(crate) fn in_order<Task: Send, Output: Send, E>(
    mut make: impl FnMut() -> Result<Option<Task>, E>,
    run: impl Fn(Task) -> Output + Sync,
    mut take: impl FnMut(Output) -> Result<(), E>,
) -> Result<(), E> {
    let round = TASKS_PER_THREAD * rayon::current_num_threads();
    let mut next = Vec::new();
    let mut done = Vec::new();
    // The last result of `make`, once it has made all tasks or failed.
    let mut end = None;
    loop {
        let tasks: Vec<Task> = std::mem::take(&mut next);
        let outputs = std::mem::take(&mut done);
        rayon::in_place_scope(|scope| {
            if !tasks.is_empty() {
                scope.spawn(|_| done = tasks.into_par_iter().map(&run).collect());
            }
            while end.is_none() && next.len() < round {
                match make() {
                    Ok(Some(task)) => next.push(task),
                    Ok(None) => end = Some(Ok(())),
                    Err(error) => end = Some(Err(error)),
                }
            }
            outputs.into_iter().try_for_each(&mut take)
        })?;
        if next.is_empty() && done.is_empty() {
            return end.unwrap_or(Ok(()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Doubles the numbers up to `last`. Making the task `bad_task` fails, and so does taking the
    /// double of `bad_result`.
    fn doubled(last: u32, bad_task: u32, bad_result: u32) -> (Vec<u32>, Result<(), String>) {
        let mut tasks = 0..=last;
        let mut taken = Vec::new();
        let end = in_order(
            || match tasks.next() {
                Some(task) if task == bad_task => Err(format!("no task {task}")),
                task => Ok(task),
            },
            |task| 2 * task,
            |done| {
                if done == 2 * bad_result {
                    return Err(format!("no result {done}"));
                }
                taken.push(done);
                Ok(())
            },
        );
        (taken, end)
    }

    #[test]
    fn results_and_errors_come_in_order_with_any_number_of_threads() {
        for threads in [1, 2, 7] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let doubles = |count| (0..count).map(|number| 2 * number).collect::<Vec<_>>();
            let run = |last, bad_task, bad_result| {
                // This thread is one of the pool's.
                pool.install(|| doubled(last, bad_task, bad_result))
            };
            assert_eq!(run(99, 100, 100), (doubles(100), Ok(())));
            assert_eq!(run(99, 57, 100), (doubles(57), Err("no task 57".to_owned())));
            assert_eq!(run(99, 57, 56), (doubles(56), Err("no result 112".to_owned())));
            assert_eq!(run(99, 0, 100), (Vec::new(), Err("no task 0".to_owned())));
        }
    }
}
