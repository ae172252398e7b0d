//! The table that the settings describe, checked before Preprocess reads one.

use config::{Settings, steps};
use dataset::{Column, Feature, Label, Recipe, RecipeError, Schema, SchemaError};

/// What Preprocess would refuse of it once it ran: the settings' paths and messages.
pub fn faults(settings: &Settings) -> Vec<(String, String)> {
    let told = settings.preprocess();
    let column = |column: steps::Column| Column {
        name: column.name,
        unit: column.unit,
        spellings: column.spellings,
    };
    let steps::Label { column: label, positive, negative } = told.label;
    let label = Label { column: label, positive, negative };
    let schema = match Schema::new(told.columns.into_iter().map(column).collect(), label) {
        Ok(schema) => schema,
        Err(fault) => {
            let part = match fault {
                SchemaError::BothClasses(_) | SchemaError::NoWord(_) => "label",
                SchemaError::NoColumns | SchemaError::Blank(_) | SchemaError::Ambiguous(_) => {
                    "columns"
                }
            };
            return vec![(format!("preprocessing.{part}"), fault.to_string())];
        }
    };
    let features = told.features.into_iter();
    let features: Vec<_> = features
        .map(|feature| Feature { name: feature.name, expression: feature.expression })
        .collect();
    let faults = Recipe::faults(&schema, &features).into_iter();
    faults
        .map(|(name, fault)| {
            let message = match fault {
                RecipeError::Expression { source, .. } => source.to_string(),
                other => other.to_string(),
            };
            (format!("preprocessing.engineered_features.{name}"), message)
        })
        .collect()
}
