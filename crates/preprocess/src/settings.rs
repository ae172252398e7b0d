//! The arguments of the job and the settings of the table, in the terms of `dataset`.

use config::steps::{self, Decimal, Separator, Thousands, paths};
use container::Container;
use dataset::{
    BadCells, CategoryRules, CleaningRules, Column, ColumnKind, Duplicates, Encoding, Feature,
    Label, MissingValues, Schema, SplitColumn, TextFormat,
};

use crate::error::PreprocessError;

/// Returns the arguments of the job, after a warning for each unknown one.
pub(crate) fn arguments(container: &Container) -> Result<steps::Preprocess, PreprocessError> {
    let parsed = steps::Preprocess::parse(container.arguments())?;
    for argument in parsed.unknown {
        tracing::warn!("argument `{argument}` is not known here, it is ignored");
    }
    Ok(parsed.settings)
}

/// Reads the settings of the table. They have no defaults: those of this program need not be those
/// of the definition.
pub(crate) fn table(container: &Container) -> Result<steps::TableSettings, PreprocessError> {
    let path = container.processing(paths::PREPROCESS_SETTINGS).join(paths::TABLE_JSON);
    let document = fs_err::read(&path).map_err(PreprocessError::NoSettings)?;
    steps::TableSettings::from_json(&document)
        .map_err(|source| PreprocessError::TableSettings { path, source })
}

/// Returns the schema of the columns that the settings name.
pub(crate) fn schema(settings: &steps::TableSettings) -> Result<Schema, PreprocessError> {
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
    Ok(Schema::new(columns.collect(), label(settings))?)
}

pub(crate) fn label(settings: &steps::TableSettings) -> Label {
    Label {
        column: settings.label.column.clone(),
        positive: settings.label.positive.clone(),
        negative: settings.label.negative.clone(),
        missing_markers: settings.missing_labels.clone(),
    }
}

pub(crate) fn features(settings: &steps::TableSettings) -> Vec<Feature> {
    let feature = |feature: &steps::Feature| Feature {
        name: feature.name.clone(),
        expression: feature.expression.clone(),
    };
    settings.features.iter().map(feature).collect()
}

/// Returns how categories become features.
pub(crate) fn categories(settings: &steps::TableSettings) -> CategoryRules {
    let steps::Categories { max_one_hot, min_frequency } = settings.categories;
    CategoryRules { max_one_hot: max_one_hot as usize, min_frequency }
}

/// Returns the column by which rows are split, unless that is at random.
pub(crate) fn split_column(settings: &steps::TableSettings) -> Option<SplitColumn> {
    match &settings.split {
        steps::Split::Random => None,
        steps::Split::Time(column) => Some(SplitColumn::Time(column.clone())),
        steps::Split::ByMachine(column) => Some(SplitColumn::Machine(column.clone())),
    }
}

/// Returns how the table is cleaned.
pub(crate) fn rules(settings: &steps::TableSettings) -> CleaningRules {
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
pub(crate) fn format(settings: &steps::Format) -> TextFormat {
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
