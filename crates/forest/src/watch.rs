//! Progress of a fit, and the caller's request to stop it.

/// Receives the progress of a fit and can stop it. The methods are called from several threads.
pub trait Watch: Sync {
    /// Called after each tree with the number of trees completed so far.
    fn grown(&self, _trees: usize) {}

    /// Returns whether to stop the fit. Called between features while their bins are chosen,
    /// between trees, and while large trees grow.
    fn stopped(&self) -> bool {
        false
    }
}

/// Ignores the progress and never stops the fit.
impl Watch for () {}
