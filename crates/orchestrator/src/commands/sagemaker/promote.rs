//! `orchestrator promote`: registers an approved version in another stage: account, region or group.

use camino::Utf8PathBuf;
use clap::Args;
use cloud::{Cloud, EcrImage};
use common::Exit;
use config::{Image, Settings};
use registry::{
    ApprovalStatus, MODEL_DIGEST, ModelPackage, NewVersion, REPORT_DIGEST, Registry, RegistryError,
    SageMakerRegistry, Serving, Status,
};
use serde_json::{Value, json};

use super::connect::{connect, connect_as, group_of};
use super::deploy::OWNER;
use super::follow::announce;
use super::gates::Gate;
use crate::arguments::settings::SettingsArgs;
use crate::commands::confirm::{ConfirmArgs, Decision};
use crate::commands::models::digests::{NOT_RECORDED, check_model, check_report};
use crate::commands::models::group::require_complete;
use crate::error::CommandError;
use crate::output::{print_json, print_text};
use crate::sagemaker_error::SageMakerError;

/// The entry of a version's metadata that holds the ARN of the version that was promoted.
const PROMOTED_FROM: &str = "promoted_from";
/// The beginnings of the members that decide what a version answers.
const DECIDING_MEMBERS: [&str; 2] = ["InferenceSpecification", "AdditionalInferenceSpecifications"];

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
    /// The other stage's gates.
    gates: Vec<Gate>,
    version: NewVersion,
}

/// Registers the version in the other stage, with the same bytes.
pub fn run(arguments: &PromoteArgs) -> Result<Exit, CommandError> {
    let (settings, source) = connect(&arguments.config)?;
    source.check_credentials()?;
    let package = group_of(&settings, &source).find(&arguments.version)?;
    require_promotable(&package)?;
    let to = SettingsArgs { config: arguments.to.clone(), images: None };
    let (stage, target) = connect_as(&to, arguments.to_profile.as_deref())?;
    target.check_credentials()?;
    require_other_stage(&package, &to, &stage, &target)?;
    let promotion = promotion(&package, &source, (&stage, &target))?;
    let report = |registered: Option<&ModelPackage>| {
        let mut report = promotion.to_json(&package, &target);
        report["model_package_arn"] = json!(registered.map(|registered| &registered.arn));
        report["dry_run"] = arguments.confirm.dry_run.into();
        report
    };
    let missed: Vec<_> =
        promotion.gates.iter().filter(|gate| !gate.is_met()).map(Gate::to_text).collect();
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
    if let Some(before) = promoted_before(&promotion, &stage, &target)? {
        if arguments.json {
            return print_json(&report(Some(&before)));
        }
        return print_text(&format!(
            "Version {} of group {} is there already, with the same model: {} ({})\n",
            package.version, package.group, before.arn, before.approval_status
        ));
    }
    let text = promotion.to_text(&package, &target);
    match arguments.confirm.decide(&text, "Register it there?", arguments.json)? {
        Decision::Do => {}
        Decision::Say if arguments.json => return print_json(&report(None)),
        Decision::Say => return Ok(Exit::Done),
        Decision::Leave => return Ok(Exit::Failed),
    }
    let registered = register(&promotion, &stage, &target)?;
    if arguments.json {
        return print_json(&report(Some(&registered)));
    }
    announce(&format!("{} ({})", registered.arn, registered.approval_status))
}

/// Refuses a version that nobody has approved, or that answers by more than a container, its image and its model.
fn require_promotable(package: &ModelPackage) -> Result<(), CommandError> {
    require_complete(package)?;
    let ModelPackage { version, group, approval_status, other_members, .. } = package;
    if *approval_status != ApprovalStatus::Approved {
        return Err(CommandError::Usage(format!(
            "version {version} of group {group} is {approval_status}, expected Approved; `orchestrator models \
             approve {version}` approves it"
        )));
    }
    let deciding: Vec<&str> =
        other_members.iter().map(String::as_str).filter(|member| is_deciding(member)).collect();
    if deciding.is_empty() {
        return Ok(());
    }
    Err(SageMakerError::Version(format!(
        "version {version} of group {group} has {}, which would be missing in the other stage; expected one \
         container with no more than an image and a model",
        deciding.join(", ")
    ))
    .into())
}

fn is_deciding(member: &str) -> bool {
    DECIDING_MEMBERS.iter().any(|beginning| member.starts_with(beginning))
}

/// Refuses the stage that the version is of, and one whose bucket is in another region.
fn require_other_stage(
    package: &ModelPackage,
    to: &SettingsArgs,
    stage: &Settings,
    target: &Cloud,
) -> Result<(), CommandError> {
    let (name, region) = (to.name(), target.target().region.as_str());
    let mut of_arn = package.arn.split(':').skip(3);
    if of_arn.next() == Some(region)
        && of_arn.next() == Some(&target.target().account_id)
        && package.group == stage.model_registry.model_package_group_name
    {
        return Err(CommandError::Usage(format!(
            "--to {name}: that is group {} of the same account and region; expected another group, account or region",
            package.group
        )));
    }
    match target.bucket_region()? {
        Some(found) if found != region => Err(CommandError::Usage(format!(
            "--to {name}: s3_paths.bucket is {}, which is in {found}; expected a bucket of {region}, which aws.region \
             names",
            target.target().bucket
        ))),
        _ => Ok(()),
    }
}

/// Reads the version's model and report, compares the model with what was evaluated, judges the other stage's gates,
/// and makes the version to register.
fn promotion(
    package: &ModelPackage,
    source: &Cloud,
    (stage, target): (&Settings, &Cloud),
) -> Result<Promotion, CommandError> {
    if package.metrics_url.is_empty() {
        return Err(SageMakerError::Version(format!(
            "version {} of group {} has no report, by which the other stage's gates are judged",
            package.version, package.group
        ))
        .into());
    }
    let model = source.require_object(&package.serving.model_data_url)?;
    let model_digest = check_model(package, &model)?;
    let report = source.require_object(&package.metrics_url)?;
    let report_digest = check_report(package, &report)?;
    let gates = Gate::all(stage, package, &report)?;
    // Their digests are in the addresses: the same bytes are stored once.
    let address = |prefix: &str, digest: &str, name: &str| {
        format!("{}/promoted/{digest}/{name}", stage.s3_paths.url(prefix))
    };
    let model_url = address(&stage.s3_paths.model_artifacts, &model_digest, "model.tar.gz");
    let report_url = address(&stage.s3_paths.evaluation, &report_digest, "evaluation.json");
    let mut metadata = package.metadata.clone();
    metadata.insert(PROMOTED_FROM.to_owned(), package.arn.clone());
    metadata.insert(MODEL_DIGEST.to_owned(), model_digest);
    metadata.insert(REPORT_DIGEST.to_owned(), report_digest);
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

/// Returns the version of the other stage's group that was promoted from the same one with the same model.
fn promoted_before(
    promotion: &Promotion,
    stage: &Settings,
    target: &Cloud,
) -> Result<Option<ModelPackage>, CommandError> {
    let group = group_of(stage, target);
    let versions = match group.registry.versions(&group.name) {
        Err(RegistryError::NoGroup { .. }) => return Ok(None),
        versions => versions?,
    };
    let wanted = &promotion.version.metadata;
    for (version, arn) in &versions {
        let is_same = |package: &ModelPackage| {
            let same = [PROMOTED_FROM, MODEL_DIGEST];
            same.iter().all(|entry| package.metadata.get(*entry) == wanted.get(*entry))
                && ![Status::Failed, Status::Deleting].contains(&package.status)
        };
        if let Some(package) = group.describe(*version, arn)?.filter(is_same) {
            return Ok(Some(package));
        }
    }
    Ok(None)
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
    // A repository whose tags cannot be overwritten takes another image under another tag only.
    let tag: String = digest.trim_start_matches("sha256:").chars().take(12).collect();
    Err(CommandError::Usage(format!(
        "the image of version {} is not in the other stage's registry; copy {from} to {there}, for example with \
         `skopeo copy --preserve-digests docker://{from} docker://{}:promoted-{tag}`",
        package.version,
        &repository[..end]
    )))
}

impl Promotion {
    fn to_json(&self, package: &ModelPackage, target: &Cloud) -> Value {
        json!({
            "from": package.arn, "to_group": self.version.group,
            "to_account": target.target().account_id, "to_region": target.target().region,
            "model_data_url": self.model.0, "model_digest": self.version.metadata[MODEL_DIGEST],
            "digest_was_recorded": package.model_digest().is_some(),
            "report_digest_was_recorded": package.report_digest().is_some(),
            "without": package.other_members,
            "gates": self.gates.iter().map(Gate::to_json).collect::<Vec<_>>(),
        })
    }

    fn to_text(&self, package: &ModelPackage, target: &Cloud) -> String {
        let Self { model, gates, version, .. } = self;
        let (account, region) = (&target.target().account_id, &target.target().region);
        let mut text = format!(
            "Version {} of group {} is registered in group {} of account {account} in {region}.\n",
            package.version, package.group, version.group
        );
        text.push_str(&format!("  model  {} ({} bytes)\n", model.0, model.1.len()));
        if package.model_digest().is_none() {
            text.push_str(&format!("         {NOT_RECORDED}\n"));
        }
        if package.report_digest().is_none() {
            text.push_str(&format!("  report {}: {NOT_RECORDED}\n", self.report.0));
        }
        text.push_str(&format!("  image  {}\n", version.serving.inference_image));
        for gate in gates {
            text.push_str(&format!("  gate   {}\n", gate.to_text()));
        }
        if !package.other_members.is_empty() {
            text.push_str(&format!("  left out: {}\n", package.other_members.join(", ")));
        }
        text
    }
}

fn register(
    promotion: &Promotion,
    stage: &Settings,
    target: &Cloud,
) -> Result<ModelPackage, CommandError> {
    for ((uri, bytes), content_type) in
        [(&promotion.model, "application/gzip"), (&promotion.report, "application/json")]
    {
        // What lies there already may be anything.
        target.store(uri, content_type, bytes.clone())?;
    }
    let group = &promotion.version.group;
    target.write_group(group, &stage.model_registry.description, OWNER, false)?;
    let registry = SageMakerRegistry::new(target.aws().clone());
    let registered = registry.create_version(&promotion.version)?;
    if registered.group != *group {
        return Err(CommandError::Usage(format!(
            "SageMaker has answered with {}, which is no version of group {group}; nothing was registered there",
            registered.arn
        )));
    }
    Ok(registered)
}
