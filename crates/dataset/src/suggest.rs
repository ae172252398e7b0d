//! The name that was probably meant.

/// The candidate nearest to `text`, where one is near.
pub(crate) fn nearest<'a>(
    text: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let lower = text.to_lowercase();
    let distance = |candidate: &str| strsim::osa_distance(&lower, &candidate.to_lowercase());
    let (far, name) = candidates.into_iter().map(|name| (distance(name), name)).min()?;
    (far <= (name.chars().count() / 3).max(1)).then_some(name)
}
