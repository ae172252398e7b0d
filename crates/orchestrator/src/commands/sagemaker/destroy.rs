//! `orchestrator destroy`: deletes what the pipeline has left in the account.

use clap::Args;
use cloud::{Cloud, CloudError, DeployedPipeline, Removal, StoredImages, StoredVersions, Target};
use common::Exit;
use config::{Image, Settings};
use infrastructure::DEFINITIONS;
use registry::{Registry, RegistryError, SageMakerRegistry};
use serde_json::{Value, json};

use super::connect::connect;
use super::deploy::OWNER;
use super::follow::announce;
use super::watch::WatchingArgs;
use crate::arguments::settings::SettingsArgs;
use crate::commands::confirm::{ConfirmArgs, Decision};
use crate::error::CommandError;
use crate::output::{print_json, print_text};

/// Arguments of the destroy command.
#[derive(Debug, Args)]
pub struct DestroyArgs {
    #[command(flatten)]
    config: SettingsArgs,
    /// Keep the registered models, what is stored of them, and the image that answers with them
    #[arg(long)]
    keep_models: bool,
    /// Delete also what is stored below the settings' prefixes of the bucket
    #[arg(long)]
    with_data: bool,
    /// Delete also the images in the settings' repositories
    #[arg(long)]
    with_images: bool,
    #[command(flatten)]
    confirm: ConfirmArgs,
    #[command(flatten)]
    watching: WatchingArgs,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

impl DestroyArgs {
    /// Says what is not looked at, because nobody asked for it.
    fn left(&self) -> String {
        let mut text = String::new();
        if self.keep_models {
            text.push_str("Registered models stay: --keep-models.\n");
        }
        if !self.with_data {
            text.push_str("What is stored in the bucket stays; --with-data deletes it, too.\n");
        }
        if !self.with_images {
            text.push_str("Images stay; --with-images deletes them, too.\n");
        }
        text
    }
}

/// What is there to delete.
struct Holdings {
    endpoint: Removal,
    pipeline: Option<DeployedPipeline>,
    group: String,
    /// The versions of the group; none if there is no group.
    models: Option<Vec<(u32, String)>>,
    stored: Vec<StoredVersions>,
    images: Vec<StoredImages>,
}

/// Deletes the endpoint, the pipeline and the models, and if that is wanted the data and the images.
pub fn run(arguments: &DestroyArgs) -> Result<Exit, CommandError> {
    let (settings, cloud) = connect(&arguments.config)?;
    cloud.check_credentials()?;
    let holdings = Holdings::of(arguments, &settings, &cloud)?;
    let report = |done: bool| {
        let mut report = holdings.to_json();
        report["deleted"] = done.into();
        report["dry_run"] = arguments.confirm.dry_run.into();
        report
    };
    if holdings.is_empty() {
        return match arguments.json {
            true => print_json(&report(false)),
            false => print_text(&format!("There is nothing to delete.\n{}", arguments.left())),
        };
    }
    let question = "Delete all of this? It cannot be brought back.";
    let proposal = format!("{}{}", holdings.to_text(&cloud), arguments.left());
    match arguments.confirm.decide(&proposal, question, arguments.json)? {
        Decision::Do => {}
        Decision::Say if arguments.json => return print_json(&report(false)),
        Decision::Say => return Ok(Exit::Done),
        Decision::Leave => return Ok(Exit::Failed),
    }
    holdings.delete(arguments, &cloud)?;
    if arguments.json {
        return print_json(&report(true));
    }
    announce("Deleted. Bucket, roles and repositories are the stack's.")
}

impl Holdings {
    /// Looks for everything, and refuses what is in use or another's.
    fn of(
        arguments: &DestroyArgs,
        settings: &Settings,
        cloud: &Cloud,
    ) -> Result<Self, CommandError> {
        let endpoint = cloud.plan_removal(settings.endpoint_name())?;
        if let Some(found) = &endpoint.endpoint {
            cloud.check_arn(&found.arn)?;
            cloud.check_endpoint_owner(found, OWNER)?;
        }
        let pipeline = match cloud.deployed() {
            // An earlier call of this command was broken off.
            Err(CloudError::Deleting(_)) => None,
            deployed => deployed?,
        };
        if let Some(deployed) = &pipeline {
            cloud.check_arn(&deployed.arn)?;
            cloud.check_owner(deployed, OWNER)?;
            cloud.require_idle()?;
        }
        let group = settings.model_registry.model_package_group_name.clone();
        if !arguments.keep_models {
            cloud.check_group_owner(&group, OWNER)?;
        }
        let models = match SageMakerRegistry::new(cloud.aws().clone()).versions(&group) {
            _ if arguments.keep_models => None,
            Ok(versions) => Some(versions),
            Err(RegistryError::NoGroup { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        if arguments.with_data || arguments.with_images {
            refuse_others(cloud)?;
            OtherUse::of(settings, cloud)?.refuse(arguments)?;
        }
        let mut stored = Vec::new();
        if arguments.with_data {
            for prefix in prefixes(settings, arguments.keep_models) {
                let found = cloud.stored_versions(&prefix)?;
                stored.extend(Some(found).filter(|found| found.count() > 0));
            }
        }
        let mut images = Vec::new();
        let goes = |image: &&Image| !(arguments.keep_models && **image == Image::Serve);
        for image in Image::ALL.iter().filter(goes).filter(|_| arguments.with_images) {
            let found = cloud.stored_images(&settings.aws.image_uri(*image))?;
            images.extend(found.filter(|found| found.count() > 0));
        }
        Ok(Self { endpoint, pipeline, group, models, stored, images })
    }

    fn is_empty(&self) -> bool {
        let Self { endpoint, pipeline, models, stored, images, .. } = self;
        endpoint.is_empty()
            && pipeline.is_none()
            && models.is_none()
            && stored.is_empty()
            && images.is_empty()
    }

    fn to_text(&self, cloud: &Cloud) -> String {
        let Target { account_id, region, .. } = cloud.target();
        let mut text = format!("This is deleted in account {account_id}, region {region}:\n");
        let mut line = |line: String| text.push_str(&format!("  {line}\n"));
        let Removal { name, endpoint, configurations, models, kept, .. } = &self.endpoint;
        if let Some(endpoint) = endpoint {
            line(format!("endpoint {name} ({}), which stops answering", endpoint.status));
        }
        if configurations.len() + models.len() > 0 {
            let (configurations, models) = (configurations.len(), models.len());
            line(format!("{configurations} configurations and {models} models of the endpoint"));
        }
        if let Some(pipeline) = &self.pipeline {
            line(format!("pipeline {}, with the record of its executions", pipeline.arn));
        }
        if let Some(models) = &self.models {
            let numbers = models.iter().map(|(number, _)| number.to_string());
            let numbers: Vec<_> = numbers.collect();
            line(match numbers.is_empty() {
                true => format!("model package group {}", self.group),
                false => {
                    format!(
                        "model package group {} with version {}",
                        self.group,
                        numbers.join(", ")
                    )
                }
            });
        }
        let bucket = &cloud.target().bucket;
        for stored in &self.stored {
            let (prefix, count) = (&stored.prefix, stored.count());
            let megabytes = stored.bytes as f64 / 1e6;
            line(format!(
                "s3://{bucket}/{prefix}: {count} objects and versions, {megabytes:.1} MB"
            ));
        }
        for images in &self.images {
            line(format!("repository {}: {} images", images.repository, images.count()));
        }
        if !self.images.is_empty() {
            text.push_str("What other accounts name of these images cannot run any more.\n");
        }
        for kept in kept {
            text.push_str(&format!(
                "Kept: the {} {}, which {} uses\n",
                kept.kind, kept.name, kept.used_by
            ));
        }
        text
    }

    fn to_json(&self) -> Value {
        let stored = self.stored.iter().map(|stored| {
            json!({ "prefix": stored.prefix, "versions": stored.count(), "bytes": stored.bytes })
        });
        let images = self.images.iter();
        let images = images
            .map(|images| json!({ "repository": images.repository, "images": images.count() }));
        let models = self.models.as_ref();
        let numbers = models.map(|models| models.iter().map(|(number, _)| *number));
        json!({
            "endpoint": self.endpoint,
            "pipeline_arn": self.pipeline.as_ref().map(|pipeline| &pipeline.arn),
            "group": self.models.as_ref().map(|_| &self.group),
            "model_versions": numbers.map(Iterator::collect::<Vec<_>>),
            "stored": stored.collect::<Vec<_>>(),
            "images": images.collect::<Vec<_>>(),
        })
    }

    /// Deletes all. What uses something goes before what it uses, so that the same command goes on where it
    /// was broken off.
    fn delete(&self, arguments: &DestroyArgs, cloud: &Cloud) -> Result<(), CloudError> {
        if !self.endpoint.is_empty() {
            cloud.start_removal(&self.endpoint)?;
            cloud.finish_removal(&self.endpoint, arguments.watching.watch(), &mut |_| {})?;
        }
        if let Some(pipeline) = &self.pipeline {
            cloud.delete_pipeline(pipeline)?;
        }
        for (_, arn) in self.models.iter().flatten() {
            cloud.delete_model_package(arn)?;
        }
        if self.models.is_some() {
            cloud.delete_model_package_group(&self.group)?;
        }
        for stored in &self.stored {
            cloud.delete_versions(stored)?;
        }
        for images in &self.images {
            cloud.delete_images(images)?;
        }
        Ok(())
    }
}

/// Refuses to delete data and images where other pipelines have deployed with the same bucket: theirs are below the
/// same prefixes and in the same repositories.
fn refuse_others(cloud: &Cloud) -> Result<(), CommandError> {
    let others = cloud.other_pipelines()?;
    if others.is_empty() {
        return Ok(());
    }
    Err(CommandError::Usage(format!(
        "the bucket {} is also that of {}: --with-data and --with-images would delete what is theirs",
        cloud.target().bucket,
        others.join(", ")
    )))
}

/// What others in the account use of what would be deleted.
#[derive(Default)]
struct OtherUse {
    /// The approved versions of other groups whose models are in the bucket.
    data: Vec<String>,
    /// Those that name images in the repositories, and other pipelines that do.
    images: Vec<String>,
}

impl OtherUse {
    /// Looks at the approved versions of the account's other groups, and at its other pipelines.
    fn of(settings: &Settings, cloud: &Cloud) -> Result<Self, CommandError> {
        let mut found = Self::default();
        let bucket = format!("s3://{}/", cloud.target().bucket);
        let repositories = Image::ALL.iter().filter_map(|image| {
            let uri = settings.aws.image_uri(*image);
            let end = uri.find('@').or_else(|| uri.rfind(':'))?;
            Some(uri[..end].to_owned())
        });
        let repositories: Vec<String> = repositories.collect();
        // A name may be the beginning of another.
        let is_named = |text: &str| {
            repositories.iter().any(|repository| {
                [':', '@'].iter().any(|end| text.contains(&format!("{repository}{end}")))
            })
        };
        let registry = SageMakerRegistry::new(cloud.aws().clone());
        let own = &settings.model_registry.model_package_group_name;
        for group in cloud.groups()?.iter().filter(|group| *group != own) {
            let versions = match registry.approved_versions(group) {
                Err(RegistryError::NoGroup { .. }) => continue,
                versions => versions?,
            };
            for (number, arn) in versions {
                let package = registry.describe(&arn)?;
                let name = format!("version {number} of group {group}");
                if package.serving.model_data_url.starts_with(&bucket) {
                    found.data.push(name.clone());
                }
                if is_named(&package.serving.inference_image) {
                    found.images.push(name);
                }
            }
        }
        for (name, definition) in cloud.other_definitions()? {
            if is_named(&definition) {
                found.images.push(format!("pipeline {name}"));
            }
        }
        Ok(found)
    }

    fn refuse(&self, arguments: &DestroyArgs) -> Result<(), CommandError> {
        let uses = [
            ("--with-data", "the bucket", arguments.with_data, &self.data),
            ("--with-images", "the repositories", arguments.with_images, &self.images),
        ];
        for (option, what, is_asked, users) in uses {
            if is_asked && !users.is_empty() {
                return Err(CommandError::Usage(format!(
                    "{option} would delete what is used by {}: it is in {what} of these settings",
                    users.join(", ")
                )));
            }
        }
        Ok(())
    }
}

/// Returns the prefixes of the bucket below which something is stored.
fn prefixes(settings: &Settings, keeps_models: bool) -> Vec<String> {
    let paths = &settings.s3_paths;
    let endpoint = &settings.endpoint;
    let of_models = [&paths.model_artifacts, &paths.evaluation];
    let mut prefixes = vec![&paths.raw_data, &paths.processed_data, &paths.predictions];
    prefixes.extend(of_models.into_iter().filter(|_| !keeps_models));
    prefixes.extend(endpoint.capture.as_ref().map(|capture| &capture.prefix));
    let queue = endpoint.asynchronous.clone().unwrap_or_default();
    prefixes.push(&queue.prefix);
    let mut prefixes: Vec<_> =
        prefixes.into_iter().map(|prefix| format!("{}/", prefix.trim_end_matches('/'))).collect();
    prefixes.push(format!("{DEFINITIONS}{}/", settings.pipeline.name));
    // A prefix may contain what is kept.
    let kept = of_models.map(|prefix| format!("{}/", prefix.trim_end_matches('/')));
    prefixes.retain(|prefix| !(keeps_models && kept.iter().any(|kept| kept.starts_with(prefix))));
    prefixes.sort();
    prefixes.dedup();
    prefixes
}
