//! Places in a document, as messages show them.

/// Shortens a place that nobody would read, such as the inside of a hundred Nots: its start says
/// where to look and its end what is there. The longest place of a definition with proper names
/// has some 220 characters.
pub(crate) fn shown(place: String) -> String {
    const START: usize = 140;
    const END: usize = 100;
    if place.len() <= START + END {
        return place;
    }
    let start = &place[..place.floor_char_boundary(START)];
    let end = &place[place.ceil_char_boundary(place.len() - END)..];
    format!("{start}…{end}")
}
