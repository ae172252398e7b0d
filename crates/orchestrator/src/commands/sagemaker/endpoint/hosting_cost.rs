//! What an endpoint costs.

use config::{EndpointKind, Prices, Settings};
use serde::Serialize;

/// The hours of a month, as AWS counts them.
const MONTH: f64 = 730.0;

/// The estimated cost of an endpoint, by the settings' table of prices.
#[derive(Debug, Serialize)]
pub struct HostingCost {
    pub currency: String,
    /// The date of the prices.
    prices_of: String,
    /// The cost per hour with the least and with the greatest number of instances. A serverless endpoint,
    /// and a type without a price in the settings, has none.
    pub per_hour: Option<(f64, f64)>,
    per_month: Option<(f64, f64)>,
    /// The cost of a second of a serverless endpoint's work.
    per_second: Option<f64>,
    what: String,
}

impl HostingCost {
    /// Computes the cost of the settings' endpoint.
    pub fn of_settings(settings: &Settings) -> Self {
        let endpoint = &settings.endpoint;
        if endpoint.kind == EndpointKind::Serverless {
            let serverless = endpoint.serverless.clone().unwrap_or_default();
            let provisioned = serverless.provisioned_concurrency.is_some();
            return Self::of_memory(&settings.prices, serverless.memory_mb, provisioned);
        }
        let count = endpoint.instance_count();
        let scaling = endpoint.autoscaling.as_ref();
        let (least, most) = scaling.map_or((count, count), |scaling| (scaling.min, scaling.max));
        Self::of_instances(&settings.prices, endpoint.instance_type(), least, most)
    }

    /// Computes the cost of instances.
    pub fn of_instances(prices: &Prices, instance_type: &str, least: u32, most: u32) -> Self {
        let price = prices.per_hour.get(instance_type);
        let times = |hours: f64| {
            price.map(|price| (price * f64::from(least) * hours, price * f64::from(most) * hours))
        };
        let count = if least == most { least.to_string() } else { format!("{least} to {most}") };
        Self {
            per_hour: times(1.0),
            per_month: times(MONTH),
            per_second: None,
            what: format!("{count} {instance_type}"),
            ..Self::at(prices)
        }
    }

    /// Computes the cost of a serverless endpoint.
    pub fn of_memory(prices: &Prices, memory_mb: u32, has_provisioned: bool) -> Self {
        let provisioned = if has_provisioned {
            ", besides provisioned concurrency, whose price is not known here"
        } else {
            ""
        };
        Self {
            per_second: Some(prices.serverless_gb_second * f64::from(memory_mb) / 1024.0),
            what: format!("{memory_mb} MB{provisioned}"),
            ..Self::at(prices)
        }
    }

    fn at(prices: &Prices) -> Self {
        Self {
            currency: prices.currency.clone(),
            prices_of: prices.date.clone(),
            per_hour: None,
            per_month: None,
            per_second: None,
            what: String::new(),
        }
    }
}

impl std::fmt::Display for HostingCost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { currency, prices_of, what, .. } = self;
        let range = |(least, most): (f64, f64), digits: usize| {
            let most_text =
                if least == most { String::new() } else { format!(" to {most:.digits$}") };
            format!("{least:.digits$}{most_text}")
        };
        match (self.per_hour, self.per_month, self.per_second) {
            (Some(hour), Some(month), _) => write!(
                f,
                "{} {currency} an hour, {} {currency} a month, for {what} (prices of {prices_of})",
                range(hour, 3),
                range(month, 2)
            ),
            (_, _, Some(second)) => write!(
                f,
                "{second:.7} {currency} for each second of work with {what}, which is {:.2} {currency} for a million \
                 requests of 10 ms (prices of {prices_of})",
                second * 0.01 * 1e6
            ),
            _ => write!(f, "an unknown price for {what}, whose type prices.per_hour does not list"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YAML: &str = include_str!("../../../../../testkit/pipeline_config.yaml");

    fn cost(endpoint: &str) -> String {
        let yaml =
            YAML.replace("endpoint:\n  kind: real_time\n", &format!("endpoint:\n{endpoint}"));
        let settings = Settings::from_yaml("c.yaml", &yaml, |_| None).unwrap();
        HostingCost::of_settings(&settings).to_string()
    }

    #[test]
    fn the_cost_is_of_the_instances_or_of_the_work() {
        insta::assert_snapshot!(cost("  instance_count: 2\n"), @"0.230 USD an hour, 167.90 USD a month, for 2 ml.m5.large (prices of 2025-01-01)");
        insta::assert_snapshot!(cost("  autoscaling: { min: 1, max: 4, target: 600 }\n"), @"0.115 to 0.460 USD an hour, 83.95 to 335.80 USD a month, for 1 to 4 ml.m5.large (prices of 2025-01-01)");
        insta::assert_snapshot!(cost("  kind: serverless\n  serverless: { memory_mb: 2048, provisioned_concurrency: 1 }\n"), @"0.0000400 USD for each second of work with 2048 MB, besides provisioned concurrency, whose price is not known here, which is 0.40 USD for a million requests of 10 ms (prices of 2025-01-01)");
        insta::assert_snapshot!(cost("  instance_type: ml.c7i.large\n"), @"an unknown price for 1 ml.c7i.large, whose type prices.per_hour does not list");
    }
}
