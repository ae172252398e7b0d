//! The parameters of the pipeline, with the settings' values as defaults.

use config::steps::{HyperparameterValue, UNCHECKED, UNKNOWN, pascal_case};
use pipeline::Parameter;

use super::names::{
    APPROVAL_PARAMETER, COMMIT_PARAMETER, GROUP_PARAMETER, INPUT_PARAMETER,
    INPUT_VERSION_PARAMETER, STARTED_BY_PARAMETER,
};
use super::shared::DefinitionBuilder;

impl DefinitionBuilder<'_> {
    /// Returns the parameters in the order in which SageMaker shows them.
    pub(super) fn parameters(&self) -> Vec<Parameter> {
        let s = self.settings;
        let mut parameters = vec![
            Parameter::string(INPUT_PARAMETER, s.s3_paths.input_url()),
            Parameter::string(INPUT_VERSION_PARAMETER, UNCHECKED),
        ];
        for (kind, instance_type) in s.instance_types.iter() {
            parameters.push(Parameter::string(kind.instance_type_parameter(), instance_type));
        }
        for (kind, &count) in s.instance_counts.iter() {
            parameters.push(Parameter::integer(kind.instance_count_parameter(), count.into()));
        }
        for (name, value) in s.hyperparameters.values() {
            let parameter = pascal_case(name);
            parameters.push(match value {
                HyperparameterValue::Integer(number) => {
                    Parameter::integer(parameter, number.into())
                }
                HyperparameterValue::Text(text) => Parameter::string(parameter, text),
                HyperparameterValue::Choice { word, words } => {
                    Parameter::string(parameter, word).one_of(words.iter().copied())
                }
            });
        }
        parameters.push(Parameter::float("TestSize", s.preprocessing.test_size));
        let gates = s.quality_gates.iter();
        parameters.extend(
            gates.map(|(metric, &minimum)| Parameter::float(metric.gate_parameter(), minimum)),
        );
        let status = s.model_registry.approval_status;
        parameters.push(
            Parameter::string(APPROVAL_PARAMETER, status.to_string())
                .one_of(status.at_registration()),
        );
        parameters
            .push(Parameter::string(GROUP_PARAMETER, &s.model_registry.model_package_group_name));
        parameters.push(Parameter::string(COMMIT_PARAMETER, UNKNOWN));
        parameters.push(Parameter::string(STARTED_BY_PARAMETER, UNKNOWN));
        parameters
    }
}
