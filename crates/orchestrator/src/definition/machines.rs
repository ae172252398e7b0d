//! The instances that the jobs run on. The commands on SageMaker check quotas and compute costs.

use config::{Image, JobKind, Settings};

/// The instances of a job of the pipeline.
#[derive(Clone, Copy, Debug)]
pub struct JobInstances<'a> {
    /// The image that the job runs.
    pub image: Image,
    /// The kind of job.
    pub kind: JobKind,
    /// The instance type, such as ml.m5.large.
    pub instance_type: &'a str,
    /// The number of instances.
    pub count: u32,
    /// The time limit in seconds.
    pub limit: u32,
}

/// Returns the instances of every job of an execution.
pub fn job_instances(settings: &Settings) -> Vec<JobInstances<'_>> {
    let job = |&image: &Image| {
        let kind = image.job_kind()?;
        // Register has the instance type of Preprocess, but always one instance.
        let is_single = image == Image::Register;
        Some(JobInstances {
            image,
            kind,
            instance_type: settings.instance_types.get(kind),
            count: if is_single { 1 } else { *settings.instance_counts.get(kind) },
            limit: *settings.runtime_limits.get(kind),
        })
    };
    Image::ALL.iter().filter_map(job).collect()
}
