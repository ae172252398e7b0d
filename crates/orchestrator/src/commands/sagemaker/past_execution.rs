//! An execution on SageMaker, with what it takes to run it here.

use cloud::{Cloud, SageMakerExecution, version_of};
use local::Store;
use pipeline::Definition;

use super::connect::connect;
use crate::arguments::parameters;
use crate::commands::models::group::RegistryArgs;
use crate::commands::past_execution::PastExecution;
use crate::definition::names::{INPUT_PARAMETER, INPUT_VERSION_PARAMETER};
use crate::error::CommandError;
use crate::output::say;
use crate::sagemaker_error::SageMakerError;

/// Asks SageMaker for the definition and the parameters of the execution with an id or ARN.
pub fn past_execution(
    arguments: &RegistryArgs,
    id_or_arn: &str,
) -> Result<PastExecution, CommandError> {
    let (_, cloud) = connect(&arguments.config)?;
    let arn = cloud.find(Some(id_or_arn))?;
    let text = cloud.execution_definition(&arn).map_err(SageMakerError::Call)?;
    let definition = Definition::from_json(&text)
        .map_err(|source| CommandError::Definition { file: arn.clone().into(), source })?;
    let set = cloud.execution_parameters(&arn).map_err(SageMakerError::Call)?;
    let set: Vec<_> = set.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let parameters = parameters::values(&definition, &set)?;
    let text =
        |name: &str| parameters.get(name).and_then(|value| value.as_str()).map(str::to_owned);
    let (input, version) = (text(INPUT_PARAMETER), text(INPUT_VERSION_PARAMETER));
    let pipeline_name = cloud.target().pipeline_name.clone();
    let fetch = move |uri: &str, into: &Store| {
        let version = version.as_deref().filter(|_| input.as_deref() == Some(uri));
        fetch(&cloud, uri, version, into)
    };
    Ok(PastExecution {
        id: SageMakerExecution::id_of(&arn).to_owned(),
        pipeline_name,
        definition,
        parameters,
        fetch: Box::new(fetch),
    })
}

/// Downloads what is stored at an address. Says where it is not what it was: `version` is what `start` gave the
/// execution for its contents.
fn fetch(
    cloud: &Cloud,
    uri: &str,
    version: Option<&str>,
    into: &Store,
) -> Result<(), CommandError> {
    let objects = cloud.objects(uri)?;
    let bucket = uri.strip_prefix("s3://").and_then(|rest| rest.split('/').next());
    let bucket = bucket.unwrap_or_default();
    // Consoles mark directories by objects without content.
    let files: Vec<_> = objects.iter().filter(|object| !object.key.ends_with('/')).collect();
    if files.is_empty() {
        let message = format!("nothing is stored at {uri} any more, which the execution read");
        return Err(CommandError::Usage(message));
    }
    let now = version_of(&objects);
    if let Some(version) = version.filter(|then| then.len() == now.len() && **then != now) {
        say(&format!(
            "{uri} has changed since the execution read it: its version is {now}, and was {version}"
        ));
    }
    for object in files {
        let uri = format!("s3://{bucket}/{}", object.key);
        common::write_file(&into.path(&uri)?, &cloud.require_object(&uri)?)?;
    }
    Ok(())
}
