//! What the settings of a table say, in the terms of `dataset`.
//!
//! Knows the settings of a table, and the types of `dataset` that they come to. Must never know where
//! the settings are from, nor read a table.
//!
//! ```
//! let settings = config::steps::TableSettings::default();
//! let schema = table_settings::schema(&settings)?;
//! assert_eq!(schema.label().column, "Downtime");
//! assert_eq!(table_settings::features(&settings).len(), 3);
//! # Ok::<(), dataset::SchemaError>(())
//! ```

use config::steps::{self, Decimal, Separator, Thousands};
use dataset::{
    BadCells, CategoryRules, CleaningRules, Column, ColumnKind, Duplicates, Encoding, Feature,
    Label, MissingValues, Schema, SchemaError, SplitColumn, TableReader, TextFormat,
};

/// Returns the schema of the columns that the settings name.
///
/// # Errors
/// Returns an error if the columns or the label are ambiguous.
pub fn schema(settings: &steps::TableSettings) -> Result<Schema, SchemaError> {
    let columns = settings.columns.iter().map(|column| Column {
        name: column.name.clone(),
        kind: match column.kind {
            steps::ColumnKind::Number => ColumnKind::Number,
            steps::ColumnKind::YesNo => ColumnKind::YesNo,
            steps::ColumnKind::Category => ColumnKind::Category,
        },
        order: column.order.clone(),
        missing_indicator: column.missing_indicator,
        unit: column.unit.clone(),
        spellings: column.spellings.clone(),
        missing_markers: column.missing_markers.clone(),
    });
    Schema::new(columns.collect(), label(settings))
}

/// Returns a reader of tables with these settings.
///
/// # Errors
/// Returns an error if the columns or the label are ambiguous.
pub fn reader(settings: &steps::TableSettings) -> Result<TableReader<'static>, SchemaError> {
    let rules = rules(settings);
    let reader = match &settings.all_columns_except {
        Some(except) => TableReader::of_all_columns(label(settings), except.clone(), rules)?,
        None => TableReader::of_schema(schema(settings)?, rules),
    };
    let reader = reader.with_format(format(&settings.format));
    Ok(match split_column(settings) {
        Some(column) => reader.with_split_column(column),
        None => reader,
    })
}

/// Returns the label.
pub fn label(settings: &steps::TableSettings) -> Label {
    Label {
        column: settings.label.column.clone(),
        positive: settings.label.positive.clone(),
        negative: settings.label.negative.clone(),
        missing_markers: settings.missing_labels.clone(),
    }
}

/// Returns the engineered features.
pub fn features(settings: &steps::TableSettings) -> Vec<Feature> {
    let feature = |feature: &steps::Feature| Feature {
        name: feature.name.clone(),
        expression: feature.expression.clone(),
    };
    settings.features.iter().map(feature).collect()
}

/// Returns how categories become features.
pub fn categories(settings: &steps::TableSettings) -> CategoryRules {
    let steps::Categories { max_one_hot, min_frequency } = settings.categories;
    CategoryRules { max_one_hot: max_one_hot as usize, min_frequency }
}

/// Returns the column by which rows are split, unless that is at random.
pub fn split_column(settings: &steps::TableSettings) -> Option<SplitColumn> {
    match &settings.split {
        steps::Split::Random => None,
        steps::Split::Time(column) => Some(SplitColumn::Time(column.clone())),
        steps::Split::ByMachine(column) => Some(SplitColumn::Machine(column.clone())),
    }
}

/// Returns how the table is cleaned.
pub fn rules(settings: &steps::TableSettings) -> CleaningRules {
    CleaningRules {
        missing_values: match settings.missing_values {
            steps::MissingValues::Drop => MissingValues::Drop,
            steps::MissingValues::Median => MissingValues::Median,
        },
        bad_cells: match settings.bad_cells {
            steps::BadCells::Error => BadCells::Error,
            steps::BadCells::Drop => BadCells::Drop,
            steps::BadCells::Missing => BadCells::Missing,
        },
        duplicates: match &settings.duplicates {
            steps::Duplicates::Drop => Duplicates::Drop,
            steps::Duplicates::Keep => Duplicates::Keep,
            steps::Duplicates::By(columns) => Duplicates::By(columns.clone()),
        },
    }
}

/// Returns what is known of the files' format.
pub fn format(settings: &steps::Format) -> TextFormat {
    TextFormat {
        encoding: settings.encoding.map(|encoding| match encoding {
            steps::Encoding::Utf8 => Encoding::Utf8,
            steps::Encoding::Utf16 => Encoding::Utf16Le,
            steps::Encoding::Utf16Be => Encoding::Utf16Be,
            steps::Encoding::Windows1252 => Encoding::Windows1252,
        }),
        separator: settings.separator.map(|separator| match separator {
            Separator::Comma => b',',
            Separator::Semicolon => b';',
            Separator::Tab => b'\t',
            Separator::Bar => b'|',
            Separator::Blank => b' ',
        }),
        decimal: settings.decimal.map(|decimal| match decimal {
            Decimal::Point => b'.',
            Decimal::Comma => b',',
        }),
        thousands: settings.thousands.map(|thousands| match thousands {
            Thousands::Blank => ' ',
            Thousands::Apostrophe => '\'',
            Thousands::Point => '.',
            Thousands::Comma => ',',
        }),
        header_line: settings.header_line,
        day_first: settings.day_first,
        sheet: settings.sheet.clone(),
    }
}
