//! Places in a document as shown in messages.

/// Cuts the middle out of a very long place, such as one inside a hundred Nots. The start says
/// where to look and the end what is there. The longest place of a definition with valid names has
/// about 220 characters. Names may be somebody else's, so that a place stays one line.
pub(crate) fn shown(place: String) -> String {
    cut(common::one_line(&place), 140, 100)
}

/// Cuts the middle out of a text longer than `start + end` bytes.
pub(crate) fn cut(text: String, start: usize, end: usize) -> String {
    if text.len() <= start + end {
        return text;
    }
    let start = &text[..text.floor_char_boundary(start)];
    let end = &text[text.ceil_char_boundary(text.len() - end)..];
    format!("{start}…{end}")
}
