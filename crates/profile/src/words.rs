//! The words by which columns and values are recognized, in the languages of many plants.

use dataset::yes_or_no;

/// Words in the name of a column that tells failures. They may be a part of a longer word.
const LABEL_STEMS: [&str; 58] = [
    // English
    "failure",
    "failed",
    "faulty",
    "fault",
    "downtime",
    "breakdown",
    "broken",
    "breakage",
    "defect",
    "malfunction",
    "anomal",
    "outage",
    "stoppage",
    "target",
    "label",
    "failing",
    "abnormal",
    // German
    "ausfall",
    "störung",
    "stoerung",
    "fehler",
    "stillstand",
    "defekt",
    "schaden",
    "ausschuss",
    "zielgr",
    // French, Spanish, Portuguese, Italian, Catalan
    "panne",
    "défaut",
    "defaut",
    "défaillance",
    "defaillance",
    "anomalie",
    "fallo",
    "falla",
    "averia",
    "avería",
    "falha",
    "avaria",
    "defeito",
    "guasto",
    "difetto",
    "fermo_macchina",
    "inattiv",
    // Dutch, Swedish, Danish, Norwegian, Finnish
    "storing",
    "stilstand",
    "uitval",
    "haveri",
    "driftstopp",
    "driftstop",
    "vika",
    // Polish, Czech, Hungarian, Turkish
    "awaria",
    "usterk",
    "porucha",
    "hiba",
    "arıza",
    "ariza",
    // Russian
    "отказ",
    "авари",
];

/// Such words in writings without blanks between words, and in other alphabets.
const LABEL_SIGNS: [&str; 14] = [
    "поломк",
    "неисправ",
    "простой",
    "ціль",
    "відмов",
    "故障",
    "停机",
    "停機",
    "异常",
    "異常",
    "不良",
    "고장",
    "عطل",
    "βλάβη",
];

/// Words that must be a whole word of the name.
const LABEL_WORDS: [&str; 4] = ["fail", "fails", "nok", "nio"];

/// Words in the name of a column that may tell failures, and often does not.
const WEAK_LABEL_WORDS: [&str; 26] = [
    "class",
    "klasse",
    "classe",
    "clase",
    "status",
    "state",
    "zustand",
    "statut",
    "état",
    "etat",
    "estado",
    "stato",
    "outcome",
    "result",
    "ergebnis",
    "résultat",
    "resultado",
    "condition",
    "alarm",
    "quality",
    "qualität",
    "health",
    "ok",
    "pass",
    "error",
    "event",
];

/// Words in a name that make it a property of the failure, not the failure itself.
const ABOUT_FAILURE: [&str; 40] = [
    "type",
    "typ",
    "mode",
    "modus",
    "code",
    "reason",
    "cause",
    "grund",
    "ursache",
    "art",
    "time",
    "zeit",
    "dauer",
    "duration",
    "count",
    "anzahl",
    "number",
    "rate",
    "since",
    "last",
    "hours",
    "minutes",
    "seconds",
    "cost",
    "kosten",
    "date",
    "datum",
    "id",
    "description",
    "text",
    "comment",
    "group",
    "category",
    "severity",
    "days",
    "min",
    "previous",
    "prior",
    "h",
    "prob",
];

/// Words for a failure, as values of a label.
const FAILURE_WORDS: [&str; 58] = [
    "failure",
    "fail",
    "failed",
    "failing",
    "fault",
    "faulty",
    "broken",
    "breakdown",
    "down",
    "downtime",
    "defect",
    "defective",
    "defekt",
    "nok",
    "n.i.o.",
    "nio",
    "n.i.o",
    "not ok",
    "ng",
    "bad",
    "pos",
    "positive",
    "error",
    "alarm",
    "anomaly",
    "anomalous",
    "abnormal",
    "stopped",
    "stop",
    "stoppage",
    "machine_failure",
    "machine failure",
    "unhealthy",
    "critical",
    "reject",
    "rejected",
    "scrap",
    "ausfall",
    "störung",
    "stoerung",
    "fehler",
    "fehlerhaft",
    "schlecht",
    "panne",
    "en panne",
    "défaut",
    "fallo",
    "falla",
    "avería",
    "guasto",
    "storing",
    "awaria",
    "haveri",
    "отказ",
    "故障",
    "异常",
    "異常",
    "arıza",
];

/// Words for no failure.
const SOUND_WORDS: [&str; 44] = [
    "none",
    "normal",
    "ok",
    "okay",
    "good",
    "pass",
    "passed",
    "running",
    "run",
    "up",
    "neg",
    "negative",
    "healthy",
    "sound",
    "i.o.",
    "i.o",
    "io",
    "in ordnung",
    "gut",
    "fine",
    "operational",
    "working",
    "active",
    "nominal",
    "accept",
    "accepted",
    "no_failure",
    "no failure",
    "no_machine_failure",
    "no machine failure",
    "non-failure",
    "non failure",
    "normal operation",
    "betrieb",
    "läuft",
    "bon",
    "marche",
    "en marche",
    "normale",
    "buono",
    "bueno",
    "норма",
    "正常",
    "keine",
];

/// Words for no in front of a word for a failure.
const NEGATIONS: [&str; 14] = [
    "no", "not", "non", "nicht", "kein", "keine", "sans", "sin", "senza", "geen", "without",
    "aucun", "ingen", "brak",
];

/// Words that stand for a missing value wherever they are.
const MARKERS: [&str; 46] = [
    "-",
    "--",
    "---",
    "----",
    "?",
    "??",
    "???",
    "*",
    "**",
    "***",
    ".",
    "..",
    "...",
    "/",
    "#",
    "~",
    "–",
    "—",
    "n.a.",
    "n.a",
    "n/a.",
    "n. a.",
    "k.a.",
    "k. a.",
    "n.d.",
    "n.v.",
    "s.d.",
    "s/d",
    "#div/0!",
    "#value!",
    "#wert!",
    "#ref!",
    "#bezug!",
    "#n/v",
    "#nv",
    "#num!",
    "#zahl!",
    "#name?",
    "\\n",
    "nil",
    "(null)",
    "(none)",
    "no data",
    "nodata",
    "no_data",
    "keine daten",
];

/// The names of columns that number rows or things.
const ID_WORDS: [&str; 18] = [
    "id",
    "ids",
    "uid",
    "uuid",
    "guid",
    "udi",
    "serial",
    "sn",
    "serialno",
    "serialnumber",
    "seriennummer",
    "seriennr",
    "identifier",
    "kennung",
    "matricule",
    "barcode",
    "rowid",
    "idx",
];

/// The names of columns that number rows if the data agree.
const NUMBERING_WORDS: [&str; 12] = [
    "nr",
    "no",
    "nummer",
    "number",
    "numero",
    "index",
    "row",
    "zeile",
    "line",
    "sample",
    "record",
    "cycle_index",
];

/// The names of dates and times.
const DATE_WORDS: [&str; 18] = [
    "date",
    "datetime",
    "timestamp",
    "datum",
    "zeitstempel",
    "zeitpunkt",
    "fecha",
    "data_ora",
    "horodatage",
    "tijdstip",
    "ts",
    "epoch",
    "utc",
    "unix",
    "uhrzeit",
    "дата",
    "日期",
    "时间",
];

/// Splits a name into its words, in lower case: at blanks, signs and where a capital begins a word.
pub(crate) fn words_of(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before_is_small = false;
    for letter in name.chars() {
        if !letter.is_alphanumeric() || (letter.is_uppercase() && before_is_small) {
            words.push(String::new());
        }
        before_is_small = letter.is_lowercase();
        if letter.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(letter.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// How much a name speaks for a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum NameEvidence {
    /// Nothing.
    None,
    /// A word such as `status`, or a property of failures such as their type.
    Weak,
    /// A word such as `failure`.
    Strong,
}

/// Returns how much a name speaks for a label.
pub(crate) fn label_evidence(name: &str) -> NameEvidence {
    let words = words_of(name);
    let lower = words.join("_");
    let is_whole = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    let is_strong = LABEL_STEMS.iter().chain(&LABEL_SIGNS).any(|stem| lower.contains(stem))
        || is_whole(&LABEL_WORDS)
        // The usual name of what is learned; within a longer name, it is an axis.
        || lower == "y";
    if is_strong && !is_whole(&ABOUT_FAILURE) {
        NameEvidence::Strong
    } else if is_strong || is_whole(&WEAK_LABEL_WORDS) {
        NameEvidence::Weak
    } else {
        NameEvidence::None
    }
}

/// Returns whether the name says that its values tell what is sound, such as `is_ok` or `No_Failure`.
pub(crate) fn is_about_soundness(name: &str) -> bool {
    const WORDS: [&str; 16] = [
        "ok",
        "healthy",
        "running",
        "good",
        "passed",
        "normal",
        "sound",
        "operational",
        "gut",
        "gutteil",
        "uptime",
        "available",
        "availability",
        "verfügbar",
        "betrieb",
        "io",
    ];
    let words = words_of(name);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    // The last word negates nothing: `Fault No` is a number.
    let before = words.split_last().map_or(&[][..], |(_, before)| before);
    let is_negated = before.iter().any(|word| NEGATIONS.contains(&word.as_str()));
    match label_evidence(name) {
        NameEvidence::Strong => is_negated || has(&["free", "frei", "ok"]),
        NameEvidence::Weak | NameEvidence::None => {
            has(&WORDS) || (is_negated && has(&["defective", "fehlerhaft"]))
        }
    }
}

/// Returns what a value of a label says: true for a failure, false for none. `None` if it is no such
/// word. `value` is folded.
pub(crate) fn is_failure(value: &str) -> Option<bool> {
    let value = value.trim();
    if SOUND_WORDS.contains(&value) {
        return Some(false);
    }
    if FAILURE_WORDS.contains(&value) {
        return Some(true);
    }
    let words = words_of(value);
    let is_negated = words.first().is_some_and(|first| NEGATIONS.contains(&first.as_str()));
    let has_failure = label_evidence(value) == NameEvidence::Strong
        || words.iter().any(|word| FAILURE_WORDS.contains(&word.as_str()));
    (has_failure && words.len() > 1).then_some(!is_negated)
}

/// Returns two values, folded, in the order yes and no, if that is what they mean. 1 and -1 are such
/// a pair too.
pub(crate) fn yes_no<'a>(one: &'a str, other: &'a str) -> Option<(&'a str, &'a str)> {
    let is_yes = |word: &str, other: &str| match word {
        "-1" if other == "1" => Some(false),
        word => yes_or_no(word),
    };
    match (is_yes(one, other), is_yes(other, one)) {
        (Some(true), Some(false)) => Some((one, other)),
        (Some(false), Some(true)) => Some((other, one)),
        _ => None,
    }
}

/// Returns whether these values, folded, are all words for yes or no, and both occur.
pub(crate) fn are_yes_no(values: &[String]) -> bool {
    let meanings: Option<Vec<bool>> = values.iter().map(|value| yes_or_no(value)).collect();
    meanings.is_some_and(|meanings| meanings.contains(&true) && meanings.contains(&false))
}

/// Returns whether a word stands for a missing value wherever it is.
pub(crate) fn is_marker(word: &str) -> bool {
    MARKERS.contains(&word.trim().to_lowercase().as_str())
}

/// Returns whether a name says that the column identifies rows or things.
pub(crate) fn names_identifier(name: &str) -> bool {
    let words = words_of(name);
    words.iter().any(|word| ID_WORDS.contains(&word.as_str()))
        || words_of(name).first().is_some_and(|first| first == "unnamed")
}

/// Returns whether a name says that the column may number the rows.
pub(crate) fn names_numbering(name: &str) -> bool {
    words_of(name).iter().any(|word| NUMBERING_WORDS.contains(&word.as_str()))
}

/// Returns whether a name says that the column is a date or a time.
pub(crate) fn names_date(name: &str) -> bool {
    words_of(name).iter().any(|word| DATE_WORDS.contains(&word.as_str()))
}

/// Returns whether a name says that the column is a running time.
pub(crate) fn names_time(name: &str) -> bool {
    const WORDS: [&str; 7] = ["time", "zeit", "t", "temps", "tiempo", "tempo", "tijd"];
    matches!(&words_of(name)[..], [only] if WORDS.contains(&only.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_speak_for_a_label() {
        for name in [
            "Machine failure",
            "fail",
            "Downtime",
            "target",
            "Störung",
            "ausfall_ja_nein",
            "Panne",
            "isBroken",
            "Failure (0/1)",
            "Pass/Fail",
            "故障",
            "Arıza",
            "Defekt",
            "y",
            "IsFailure",
        ] {
            assert_eq!(label_evidence(name), NameEvidence::Strong, "{name}");
        }
        for name in
            ["Failure Type", "machine_status", "class", "downtime_minutes", "TimeSinceFailure"]
        {
            assert_eq!(label_evidence(name), NameEvidence::Weak, "{name}");
        }
        for name in ["temp", "Torque [Nm]", "TWF", "day", "vib_y_axis_rms", "download"] {
            assert_eq!(label_evidence(name), NameEvidence::None, "{name}");
        }
    }

    #[test]
    fn values_say_what_they_mean() {
        for word in ["fail", "machine_failure", "nok", "pos", "störung", "heat failure"] {
            assert_eq!(is_failure(word), Some(true), "{word}");
        }
        for word in ["ok", "no failure", "no_machine_failure", "neg", "kein ausfall", "pass"] {
            assert_eq!(is_failure(word), Some(false), "{word}");
        }
        for word in ["1", "a", "yes", "comp1"] {
            assert_eq!(is_failure(word), None, "{word}");
        }
        assert_eq!(yes_no("no", "yes"), Some(("yes", "no")));
        assert_eq!(yes_no("-1", "1"), Some(("1", "-1")));
        assert_eq!(yes_no("a", "b"), None);
        let owned = |words: &[&str]| words.iter().map(|&w| w.to_owned()).collect::<Vec<_>>();
        assert!(are_yes_no(&owned(&["true", "false", "1", "0"])));
        assert!(!are_yes_no(&owned(&["true", "yes"])) && !are_yes_no(&owned(&["l", "m", "h"])));
    }

    #[test]
    fn names_say_what_is_no_sensor() {
        for name in
            ["id", "UDI", "Product ID", "machineID", "Machine_ID", "Serial No.", "Unnamed: 0"]
        {
            assert!(names_identifier(name), "{name}");
        }
        assert!(!names_identifier("humidity") && !names_identifier("oxide"));
        assert!(names_date("Time stamp") || names_date("timestamp"));
        assert!(names_date("Date") && !names_date("update_rate"));
        assert!(names_time("Time") && !names_time("Run time"));
        assert!(is_marker("N.A.") && is_marker("\\N") && !is_marker("bad"));
    }
}
