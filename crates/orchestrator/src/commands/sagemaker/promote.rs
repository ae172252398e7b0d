//! `orchestrator promote`: registers an approved version in another stage: account, region or group.

use camino::Utf8PathBuf;
use clap::Args;
use cloud::{Cloud, EcrImage};
use common::Exit;
use config::{Image, Settings};
use registry::{
    ApprovalStatus, Group, ModelPackage, NewVersion, Registry, SageMakerRegistry, Serving,
};
use serde_json::json;

use super::connect::{connect, connect_as, group_of};
use super::follow::announce;
use crate::arguments::settings::SettingsArgs;
use crate::commands::confirm::{ConfirmArgs, Decision};
use crate::commands::models::group::require_complete;
use crate::error::CommandError;
use crate::output::print_json;
use crate::sagemaker_error::SageMakerError;

/// Arguments of the promote command.
#[derive(Debug, Args)]
pub struct PromoteArgs {
    /// The version's number, `latest` or `approved`
    version: String,
    #[command(flatten)]
    config: SettingsArgs,
    /// The settings of the other stage, as --config; may be repeated
    #[arg(long, value_name = "FILE", required = true)]
    to: Vec<Utf8PathBuf>,
    /// The AWS profile of the other stage [default: the same credentials]
    #[arg(long, value_name = "PROFILE")]
    to_profile: Option<String>,
    #[command(flatten)]
    confirm: ConfirmArgs,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

/// What a promotion registers.
struct Promotion {
    /// The model's bytes and the address where they are stored.
    model: (String, Vec<u8>),
    /// The report's bytes and the address where they are stored.
    report: (String, Vec<u8>),
    /// The metrics that have a gate in the other stage: name, value and minimum.
    gates: Vec<(String, f64, f64)>,
    version: NewVersion,
}

/// Registers the version in the other stage, with the same bytes.
pub fn run(arguments: &PromoteArgs) -> Result<Exit, CommandError> {
    let (settings, source) = connect(&arguments.config)?;
    source.check_credentials()?;
    let group = group_of(&settings, &source);
    let package = group.find(&arguments.version)?;
    require_complete(&package)?;
    if package.approval_status != ApprovalStatus::Approved {
        return Err(CommandError::Usage(format!(
            "version {} of group {} is {}, expected Approved; `orchestrator models approve {}` approves it",
            package.version, package.group, package.approval_status, package.version
        )));
    }
    let to = SettingsArgs { config: arguments.to.clone(), images: None };
    let (stage, target) = connect_as(&to, arguments.to_profile.as_deref())?;
    target.check_credentials()?;
    if package.arn.split(':').nth(3) == Some(&target.target().region)
        && package.arn.split(':').nth(4) == Some(&target.target().account_id)
        && package.group == stage.model_registry.model_package_group_name
    {
        return Err(CommandError::Usage(format!(
            "--to {}: that is group {} of the same account and region; expected another group, account or region",
            to.name(),
            package.group
        )));
    }
    let promotion = promotion(&package, (&settings, &source), (&stage, &target))?;
    let report = |arn: Option<&str>| {
        let gates = promotion.gates.iter();
        let gates = gates.map(|(name, value, minimum)| {
            json!({ "metric": name, "value": value, "minimum": minimum, "met": value >= minimum })
        });
        json!({
            "from": package.arn, "to_group": promotion.version.group,
            "to_account": target.target().account_id, "to_region": target.target().region,
            "model_data_url": promotion.model.0, "gates": gates.collect::<Vec<_>>(),
            "model_package_arn": arn, "dry_run": arguments.confirm.dry_run,
        })
    };
    let missed = promotion.gates.iter().filter(|(_, value, minimum)| value < minimum);
    let missed: Vec<_> =
        missed.map(|(name, value, minimum)| format!("{name} {value:.4} < {minimum}")).collect();
    if !missed.is_empty() {
        if arguments.json {
            print_json(&report(None))?;
        }
        return Err(SageMakerError::Gates(format!(
            "version {} does not meet the quality gates of {}: {}",
            package.version,
            to.name(),
            missed.join(", ")
        ))
        .into());
    }
    let text = to_text(&package, &promotion, &target);
    match arguments.confirm.decide(&text, "Register it there?", arguments.json)? {
        Decision::Do => {}
        Decision::Say if arguments.json => return print_json(&report(None)),
        Decision::Say => return Ok(Exit::Done),
        Decision::Leave => return Ok(Exit::Failed),
    }
    let registered = register(&promotion, &stage, &target)?;
    if arguments.json {
        return print_json(&report(Some(&registered.arn)));
    }
    announce(&format!("{} ({})", registered.arn, registered.approval_status))
}

/// Reads the version's model and report, judges the other stage's gates, and makes the version to register.
fn promotion(
    package: &ModelPackage,
    (settings, source): (&Settings, &Cloud),
    (stage, target): (&Settings, &Cloud),
) -> Result<Promotion, CommandError> {
    let model = source.require_object(&package.serving.model_data_url)?;
    let report = source.require_object(&package.metrics_url)?;
    let metrics = group_of(settings, source).metrics(package);
    let mut gates = Vec::new();
    for (metric, minimum) in &stage.quality_gates {
        let Some(value) = metrics.get(metric.name()) else {
            return Err(CommandError::Usage(format!(
                "version {} has no {metric} in {}, which the other stage has a gate for",
                package.version, package.metrics_url
            )));
        };
        gates.push((metric.name().to_owned(), *value, *minimum));
    }
    // Their digests are in the addresses: nothing is overwritten, and the same bytes are stored once.
    let address = |prefix: &str, bytes: &[u8], name: &str| {
        let digest = common::sha256_hex(bytes);
        format!("{}/promoted/{digest}/{name}", stage.s3_paths.url(prefix))
    };
    let model_url = address(&stage.s3_paths.model_artifacts, &model, "model.tar.gz");
    let report_url = address(&stage.s3_paths.evaluation, &report, "evaluation.json");
    let mut metadata = package.metadata.clone();
    metadata.insert("promoted_from".to_owned(), package.arn.clone());
    let group = stage.model_registry.model_package_group_name.clone();
    let mut token = common::sha256_hex(format!("{}\n{group}\n{model_url}\n", package.arn));
    token.truncate(32);
    let version = NewVersion {
        group,
        approval_status: ApprovalStatus::PendingManualApproval,
        serving: Serving {
            inference_image: image(package, stage, target)?,
            model_data_url: model_url.clone(),
            ..package.serving.clone()
        },
        metrics_url: report_url.clone(),
        source: package.source.clone(),
        metadata,
        client_token: token,
    };
    version.check()?;
    Ok(Promotion { model: (model_url, model), report: (report_url, report), gates, version })
}

/// Returns the address of the version's image in the other stage's repository, which must have it.
fn image(package: &ModelPackage, stage: &Settings, target: &Cloud) -> Result<String, CommandError> {
    let from = &package.serving.inference_image;
    let Some((_, digest)) = from.split_once('@') else {
        return Err(CommandError::Usage(format!(
            "version {} names its image by a tag, {from}, which may be another image by now; expected a digest, as \
             `orchestrator deploy` puts into the definition",
            package.version
        )));
    };
    let own = stage.aws.image_uri(Image::Serve);
    let repository = own.split('@').next().unwrap_or(&own);
    // A tag follows the last `/`.
    let name = repository.rfind('/').map_or(0, |slash| slash + 1);
    let end = repository[name..].find(':').map_or(repository.len(), |colon| name + colon);
    let there = format!("{}@{digest}", &repository[..end]);
    let mut images = [EcrImage::new(Image::Serve.name(), there.clone())];
    target.look_up(&mut images).map_err(cloud::CloudError::from)?;
    if images[0].is_found() {
        return Ok(there);
    }
    Err(CommandError::Usage(format!(
        "the image of version {} is not in the other stage's registry; copy {from} to {there}, for example with \
         `skopeo copy --preserve-digests docker://{from} docker://{}:promoted`",
        package.version,
        &repository[..end]
    )))
}

fn to_text(package: &ModelPackage, promotion: &Promotion, target: &Cloud) -> String {
    let Promotion { model, gates, version, .. } = promotion;
    let (account, region) = (&target.target().account_id, &target.target().region);
    let mut text = format!(
        "Version {} of group {} is registered in group {} of account {account} in {region}.\n",
        package.version, package.group, version.group
    );
    text.push_str(&format!("  model  {} ({} bytes)\n", model.0, model.1.len()));
    text.push_str(&format!("  image  {}\n", version.serving.inference_image));
    for (name, value, minimum) in gates {
        text.push_str(&format!("  gate   {name} {value:.4} >= {minimum}\n"));
    }
    text
}

fn register(
    promotion: &Promotion,
    stage: &Settings,
    target: &Cloud,
) -> Result<ModelPackage, CommandError> {
    for ((uri, bytes), content_type) in
        [(&promotion.model, "application/gzip"), (&promotion.report, "application/json")]
    {
        if target.stored(uri)?.is_none() {
            target.store(uri, content_type, bytes.clone())?;
        }
    }
    let registry = SageMakerRegistry::new(target.aws().clone());
    registry.ensure_group(&Group {
        name: promotion.version.group.clone(),
        description: stage.model_registry.description.clone(),
    })?;
    let registered = registry.create_version(&promotion.version)?;
    if registered.group != promotion.version.group {
        return Err(CommandError::Usage(format!(
            "SageMaker has answered with {}, which is no version of group {}; nothing was registered there",
            registered.arn, promotion.version.group
        )));
    }
    Ok(registered)
}
