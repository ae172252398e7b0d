//! The cost of an execution's instances.

use std::collections::BTreeSet;

use config::Settings;
use serde::Serialize;

use crate::definition::machines::{JobInstances, job_instances};

/// The usual duration of a job on a small table. Most of it is the start of the instance.
const USUAL_MINUTES: f64 = 4.0;

/// The estimated cost of an execution, by the settings' table of prices.
#[derive(Debug, Serialize)]
pub struct ExecutionCost {
    currency: String,
    /// The date of the prices.
    prices_of: String,
    /// The cost if every job takes the usual time.
    usual: f64,
    usual_minutes_per_job: f64,
    /// The cost if every job takes as long as its time limit and none is retried.
    at_most: f64,
    /// The instance types without a price in the settings. They are not part of the cost.
    without_price: BTreeSet<String>,
}

impl ExecutionCost {
    /// Computes the cost of an execution that runs every job.
    pub fn of(settings: &Settings) -> Self {
        let prices = &settings.prices;
        let mut cost = Self {
            currency: prices.currency.clone(),
            prices_of: prices.date.clone(),
            usual: 0.0,
            usual_minutes_per_job: USUAL_MINUTES,
            at_most: 0.0,
            without_price: BTreeSet::new(),
        };
        for JobInstances { instance_type, count, limit, .. } in job_instances(settings) {
            let Some(per_hour) = prices.per_hour.get(instance_type) else {
                cost.without_price.insert(instance_type.to_owned());
                continue;
            };
            let per_hour = per_hour * f64::from(count);
            cost.usual += per_hour * USUAL_MINUTES / 60.0;
            cost.at_most += per_hour * f64::from(limit) / 3600.0;
        }
        cost
    }
}

impl std::fmt::Display for ExecutionCost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { currency, prices_of, usual, at_most, .. } = self;
        write!(
            f,
            "An execution costs about {usual:.2} {currency} if each job takes {USUAL_MINUTES} \
             minutes, and at most {at_most:.2} {currency}, with each at its time limit (prices of \
             {prices_of})."
        )?;
        if !self.without_price.is_empty() {
            let types: Vec<_> = self.without_price.iter().map(String::as_str).collect();
            write!(f, " Not in it: {}, which prices.per_hour does not list.", types.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YAML: &str = include_str!("../../../../testkit/pipeline_config.yaml");

    #[test]
    fn the_cost_sums_the_prices_of_all_jobs() {
        let mut settings = Settings::from_yaml("c.yaml", YAML, |_| None).unwrap();
        insta::assert_snapshot!(ExecutionCost::of(&settings), @"An execution costs about 0.03 USD if each job takes 4 minutes, and at most 0.46 USD, with each at its time limit (prices of 2025-01-01).");
        // Two more training instances at 0.115 an hour: six instance hours in place of four.
        settings.instance_counts.training = 3;
        insta::assert_snapshot!(ExecutionCost::of(&settings), @"An execution costs about 0.05 USD if each job takes 4 minutes, and at most 0.69 USD, with each at its time limit (prices of 2025-01-01).");
        settings.instance_types.training = "ml.p5.48xlarge".to_owned();
        insta::assert_snapshot!(ExecutionCost::of(&settings), @"An execution costs about 0.02 USD if each job takes 4 minutes, and at most 0.35 USD, with each at its time limit (prices of 2025-01-01). Not in it: ml.p5.48xlarge, which prices.per_hour does not list.");
    }
}
