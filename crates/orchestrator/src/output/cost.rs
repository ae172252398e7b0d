//! The cost of the instances of an execution, estimated and billed, and of a batch transform.

use std::collections::BTreeSet;
use std::fmt;

use config::{Prices, Settings};
use serde::Serialize;

use super::duration;
use super::report::{Billed, ExecutionReport};
use crate::definition::machines::{JobInstances, job_instances};

/// The usual duration of a job on a small table. Most of it is the start of the instance.
const USUAL_MINUTES: f64 = 4.0;

/// The usual duration of a batch transform of a small table. Most of it is the start of the instance.
const USUAL_TRANSFORM_MINUTES: f64 = 5.0;

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

impl fmt::Display for ExecutionCost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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

/// The cost of the instances of executions, by the time that SageMaker bills and the settings' table
/// of prices.
#[derive(Debug, Serialize)]
pub struct BilledCost {
    currency: String,
    /// The date of the prices.
    prices_of: String,
    /// The cost of the instances whose price is known.
    amount: f64,
    /// The time of all instances together, in seconds.
    instance_seconds: f64,
    /// The instance types without a price in the settings. They are not part of the amount.
    without_price: BTreeSet<String>,
    /// The steps with earlier attempts, which SageMaker bills but no longer tells. They are not part
    /// of the amount.
    without_earlier_attempts: BTreeSet<String>,
}

impl BilledCost {
    /// Returns the cost of no execution.
    pub fn nothing(prices: &Prices) -> Self {
        Self {
            currency: prices.currency.clone(),
            prices_of: prices.date.clone(),
            amount: 0.0,
            instance_seconds: 0.0,
            without_price: BTreeSet::new(),
            without_earlier_attempts: BTreeSet::new(),
        }
    }

    /// Computes the cost of an execution so far.
    pub fn of(report: &ExecutionReport, prices: &Prices) -> Self {
        let mut cost = Self::nothing(prices);
        cost.add(report, prices);
        cost
    }

    /// Adds the cost of an execution.
    pub fn add(&mut self, report: &ExecutionReport, prices: &Prices) {
        for step in &report.steps {
            for Billed { instance_type, instances, seconds } in &step.billed {
                let seconds = seconds * f64::from(*instances);
                self.instance_seconds += seconds;
                match prices.per_hour.get(instance_type) {
                    Some(price) => self.amount += price * seconds / 3600.0,
                    None => {
                        self.without_price.insert(instance_type.clone());
                    }
                }
            }
            if step.attempts.is_some() {
                self.without_earlier_attempts.insert(step.name.clone());
            }
        }
    }

    /// Returns the amount with its currency.
    pub fn amount(&self) -> String {
        format!("{:.3} {}", self.amount, self.currency)
    }
}

impl fmt::Display for BilledCost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(", ");
        let time = duration(self.instance_seconds);
        write!(f, "{} for {time} of instances (prices of {}", self.amount(), self.prices_of)?;
        if !self.without_price.is_empty() {
            let types = list(&self.without_price);
            write!(f, "; without {types}, which prices.per_hour does not list")?;
        }
        if !self.without_earlier_attempts.is_empty() {
            let steps = list(&self.without_earlier_attempts);
            write!(f, "; without earlier attempts of {steps}, which SageMaker does not tell")?;
        }
        f.write_str(")")
    }
}

/// The estimated cost of a batch transform, by the settings' table of prices.
#[derive(Debug, Serialize)]
pub struct TransformCost {
    currency: String,
    /// The date of the prices.
    prices_of: String,
    /// The cost of an hour. A type without a price in the settings has none.
    per_hour: Option<f64>,
    /// The cost if the job takes the usual time.
    usual: Option<f64>,
    usual_minutes: f64,
    what: String,
}

impl TransformCost {
    /// Computes the cost of a job on instances.
    pub fn of(prices: &Prices, instance_type: &str, instances: u32) -> Self {
        let price = prices.per_hour.get(instance_type);
        let per_hour = price.map(|price| price * f64::from(instances));
        Self {
            currency: prices.currency.clone(),
            prices_of: prices.date.clone(),
            per_hour,
            usual: per_hour.map(|per_hour| per_hour * USUAL_TRANSFORM_MINUTES / 60.0),
            usual_minutes: USUAL_TRANSFORM_MINUTES,
            what: format!("{instances} {instance_type}"),
        }
    }
}

impl fmt::Display for TransformCost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { currency, prices_of, what, usual_minutes, .. } = self;
        match (self.per_hour, self.usual) {
            (Some(hour), Some(usual)) => write!(
                f,
                "{hour:.3} {currency} an hour for {what}, about {usual:.2} {currency} if it takes {usual_minutes} minutes \
                 (prices of {prices_of})"
            ),
            _ => write!(f, "an unknown price for {what}, whose type prices.per_hour does not list"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YAML: &str = include_str!("../../../testkit/pipeline_config.yaml");

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

    #[test]
    fn a_transform_costs_the_time_of_its_instances() {
        let prices = Settings::from_yaml("c.yaml", YAML, |_| None).unwrap().prices;
        // Three at 0.23 an hour, of which five minutes are a twelfth.
        insta::assert_snapshot!(TransformCost::of(&prices, "ml.m5.xlarge", 3), @"0.690 USD an hour for 3 ml.m5.xlarge, about 0.06 USD if it takes 5 minutes (prices of 2025-01-01)");
        insta::assert_snapshot!(TransformCost::of(&prices, "ml.c7i.large", 2), @"an unknown price for 2 ml.c7i.large, whose type prices.per_hour does not list");
    }
}
