//! Places in a document, as messages show them.

/// Shortens a place that nobody would read, such as the inside of a hundred Nots: its start says
/// where to look and its end what is there. The longest place of a definition with proper names
/// has some 220 characters.
pub(crate) fn shown(place: String) -> String {
    cut(place, 140, 100)
}

/// Leaves out the middle of a text longer than `start` and `end` bytes.
pub(crate) fn cut(text: String, start: usize, end: usize) -> String {
    if text.len() <= start + end {
        return text;
    }
    let start = &text[..text.floor_char_boundary(start)];
    let end = &text[text.ceil_char_boundary(text.len() - end)..];
    format!("{start}…{end}")
}
