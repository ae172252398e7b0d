//! What CloudWatch counted of an endpoint.

use std::time::{SystemTime, UNIX_EPOCH};

use aws::CallError;
use aws::cloudwatch::primitives::DateTime;
use aws::cloudwatch::types as api;
use serde::Serialize;

use super::VARIANT;
use crate::Cloud;

/// The length of the only period, in seconds.
const PERIOD: i32 = 3600;

/// What CloudWatch counted of an endpoint in the last hour. A metric without data points is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct EndpointMetrics {
    /// The number of requests.
    pub invocations: Option<f64>,
    /// The number of requests that were answered with a status of 400 to 499.
    pub client_errors: Option<f64>,
    /// The number of requests that were answered with a status of 500 to 599.
    pub server_errors: Option<f64>,
    /// The median of the model's time for an answer, in microseconds.
    pub p50_us: Option<f64>,
    /// The 99th percentile of that time, in microseconds.
    pub p99_us: Option<f64>,
    /// The 99th percentile of SageMaker's own time for an answer, in microseconds.
    pub overhead_p99_us: Option<f64>,
}

impl Cloud {
    /// Returns what CloudWatch counted of an endpoint in the last hour.
    ///
    /// # Errors
    ///
    /// Fails if CloudWatch refuses.
    pub fn endpoint_metrics(&self, endpoint: &str) -> Result<EndpointMetrics, CallError> {
        const QUERIES: [(&str, &str, &str); 6] = [
            ("invocations", "Invocations", "Sum"),
            ("client_errors", "Invocation4XXErrors", "Sum"),
            ("server_errors", "Invocation5XXErrors", "Sum"),
            ("p50", "ModelLatency", "p50"),
            ("p99", "ModelLatency", "p99"),
            ("overhead", "OverheadLatency", "p99"),
        ];
        let dimension =
            |name: &str, value: &str| api::Dimension::builder().name(name).value(value).build();
        let query = |(id, metric, statistic): (&str, &str, &str)| {
            let metric = api::Metric::builder()
                .namespace("AWS/SageMaker")
                .metric_name(metric)
                .dimensions(dimension("EndpointName", endpoint))
                .dimensions(dimension("VariantName", VARIANT));
            let stat =
                api::MetricStat::builder().metric(metric.build()).period(PERIOD).stat(statistic);
            api::MetricDataQuery::builder().id(id).metric_stat(stat.build()).build()
        };
        // One period of an hour that ends with the last whole minute.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let end = i64::try_from(now).unwrap_or_default() / 60 * 60;
        let call = self
            .aws
            .cloudwatch()
            .get_metric_data()
            .start_time(DateTime::from_secs(end - i64::from(PERIOD)))
            .end_time(DateTime::from_secs(end))
            .set_metric_data_queries(Some(QUERIES.map(query).to_vec()));
        let answer = self.aws.call("cloudwatch:GetMetricData", call.send())?;
        let mut metrics = EndpointMetrics::default();
        for result in answer.metric_data_results.unwrap_or_default() {
            let value = result.values.and_then(|values| values.first().copied());
            match result.id.as_deref() {
                Some("invocations") => metrics.invocations = value,
                Some("client_errors") => metrics.client_errors = value,
                Some("server_errors") => metrics.server_errors = value,
                Some("p50") => metrics.p50_us = value,
                Some("p99") => metrics.p99_us = value,
                Some("overhead") => metrics.overhead_p99_us = value,
                _ => {}
            }
        }
        Ok(metrics)
    }
}
