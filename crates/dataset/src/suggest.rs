//! The name that was probably meant.

/// The longest name that is compared: the time grows with the square of its length.
const LONGEST: usize = 256;

/// The candidate nearest to `text`, where one is near.
pub(crate) fn nearest<'a>(
    text: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    if text.len() > LONGEST {
        return None;
    }
    let lower = text.to_lowercase();
    let distance = |candidate: &str| strsim::osa_distance(&lower, &candidate.to_lowercase());
    let candidates = candidates.into_iter().filter(|name| name.len() <= LONGEST);
    let (far, name) = candidates.map(|name| (distance(name), name)).min()?;
    (far <= (name.chars().count() / 3).max(1)).then_some(name)
}
