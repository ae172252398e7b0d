//! Errors of connections and calls, as messages with a remedy.

use std::error::Error;

use aws_sdk_sagemaker::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sagemaker::operation::RequestId;

type Source = Box<dyn Error + Send + Sync>;

/// The AWS configuration is incomplete, so that no call can be made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Neither the environment nor a profile names a region.
    #[error("no AWS region: set AWS_REGION, or `region` in the profile that AWS_PROFILE names")]
    Region,
    /// There are no credentials, or they cannot be read or renewed.
    #[error(
        "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile in \
         AWS_PROFILE, or run where a role provides them"
    )]
    Credentials {
        /// The reason of each credentials provider.
        source: Source,
    },
    /// The session of a profile is over.
    #[error("the session of the AWS profile is over; `{command}` starts another")]
    Session {
        /// The command that starts another session.
        command: &'static str,
        /// The reason of the credentials provider.
        source: Source,
    },
    /// The configuration disables the signing of requests.
    #[error("the AWS configuration turns credentials off, expected a key, a profile or a role")]
    Anonymous,
    /// The event loop cannot be created.
    #[error("cannot start an event loop")]
    Runtime(#[source] std::io::Error),
}

impl ConnectError {
    /// Classifies an error of the credentials providers, which have no codes.
    pub(crate) fn of_credentials(error: &dyn Error) -> Self {
        let text = one_line(error);
        // They name the token, or the file in which `aws login` keeps it.
        let sessions = [
            ("SSO token", "aws sso login"),
            ("Login token", "aws login"),
            ("/login/cache/", "aws login"),
        ];
        let session = sessions.into_iter().find(|(token, _)| text.contains(token));
        let source = text.into();
        match session {
            Some((_, command)) => Self::Session { command, source },
            None => Self::Credentials { source },
        }
    }
}

/// A call failed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// AWS refused the call.
    #[error("{action} was refused with {code}: {message}{}{}", remedy(.code, .action, .message, .resource.as_deref()), request(.request_id.as_deref()))]
    Refused {
        /// The call as an IAM policy names it, such as `sagemaker:CreatePipeline`.
        action: &'static str,
        /// The error code, such as `ValidationException`, or `HTTP 503` if the answer has none.
        code: String,
        /// AWS's message.
        message: String,
        /// The ARN of what the call is about, where AWS's message need not name it.
        resource: Option<String>,
        /// The request id, which AWS support asks for.
        request_id: Option<String>,
    },
    /// The call could not be sent or was not answered: no route, no TLS, a timeout.
    #[error("{action} got no answer")]
    Unanswered {
        /// The call as an IAM policy names it.
        action: &'static str,
        /// The reason.
        source: Source,
    },
    /// The answer is not one of this service and cannot be parsed.
    #[error("{action} got an answer that cannot be understood{}", request(.request_id.as_deref()))]
    Garbled {
        /// The call as an IAM policy names it.
        action: &'static str,
        /// The parse error.
        source: Source,
        /// The request id, which AWS support asks for.
        request_id: Option<String>,
    },
}

impl CallError {
    /// Classifies an error of the SDK. `action` is the call as an IAM policy names it.
    pub fn of<E>(action: &'static str, error: SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let request_id = error.request_id().map(str::to_owned);
        match error {
            SdkError::ServiceError(refusal) => {
                let status = refusal.raw().status().as_u16();
                let answer = refusal.err().meta();
                Self::Refused {
                    action,
                    code: answer.code().map_or_else(|| format!("HTTP {status}"), str::to_owned),
                    message: answer.message().unwrap_or("no reason given").to_owned(),
                    resource: None,
                    request_id,
                }
            }
            SdkError::ResponseError(refusal) if !refusal.raw().status().is_success() => {
                Self::Refused {
                    action,
                    code: format!("HTTP {}", refusal.raw().status().as_u16()),
                    message: "no reason given".to_owned(),
                    resource: None,
                    request_id,
                }
            }
            error @ SdkError::ResponseError(_) => {
                Self::Garbled { action, source: cause(error), request_id }
            }
            error => Self::Unanswered { action, source: cause(error) },
        }
    }

    /// Adds the ARN of what the call is about to a refusal.
    #[must_use]
    pub fn on(mut self, arn: &str) -> Self {
        if let Self::Refused { resource, .. } = &mut self {
            *resource = Some(arn.to_owned());
        }
        self
    }

    /// Returns the error for an answer that lacks a field that it always has.
    pub fn without(action: &'static str, field: &str) -> Self {
        Self::Garbled { action, source: format!("it has no {field}").into(), request_id: None }
    }

    /// Returns whether the resource does not exist.
    ///
    /// The API models `ResourceNotFound` for some calls; for others, and from moto for all, a
    /// `ValidationException` says so in its message only.
    pub fn is_absent(&self) -> bool {
        const PHRASES: [&str; 3] = ["could not find", "does not exist", "not found"];
        match self {
            Self::Refused { code, .. }
                if code.starts_with("ResourceNotFound")
                    || code.ends_with("NotFoundException")
                    || code.starts_with("NoSuch")
                    || ["NotFound", "HTTP 404"].contains(&code.as_str()) =>
            {
                true
            }
            Self::Refused { code, message, .. } if code == "ValidationException" => {
                let message = message.to_lowercase();
                PHRASES.iter().any(|phrase| message.contains(phrase))
            }
            _ => false,
        }
    }

    /// Turns the error that a resource does not exist into `None`.
    ///
    /// # Errors
    ///
    /// Fails with every other error.
    pub fn if_there<T>(answer: Result<T, Self>) -> Result<Option<T>, Self> {
        match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if error.is_absent() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns whether the credentials may not make the call.
    pub fn is_denied(&self) -> bool {
        matches!(self, Self::Refused { code, .. }
            if code.starts_with("AccessDenied") || ["HTTP 403", "Forbidden"].contains(&code.as_str()))
    }

    /// Returns whether the answer lacks what it always has, or is none of this service.
    pub fn is_garbled(&self) -> bool {
        matches!(self, Self::Garbled { .. })
    }

    /// Returns whether the service refused the request as invalid. No resource has an invalid name.
    pub fn is_invalid(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if code == "ValidationException")
    }

    /// Returns whether a retry may succeed: AWS throttled the call, has an outage or cannot be
    /// reached.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Refused { code, .. } => {
                let code = code.as_str();
                code.starts_with("Throttl")
                    || code.starts_with("HTTP 5")
                    || ["TooManyRequests", "RequestLimitExceeded", "InternalFailure", "HTTP 429"]
                        .contains(&code)
                    || [
                        "InternalServer",
                        "ServerException",
                        "ServiceUnavailable",
                        "SlowDown",
                        "RequestTimeout",
                    ]
                    .iter()
                    .any(|start| code.starts_with(start))
            }
            Self::Unanswered { .. } | Self::Garbled { .. } => true,
        }
    }

    /// Returns whether the resource that the call creates exists already.
    pub fn already_exists(&self) -> bool {
        match self {
            Self::Refused { code, .. }
                if code == "ConflictException" || code == "ResourceInUse" =>
            {
                true
            }
            Self::Refused { code, message, .. } => {
                code == "ValidationException" && message.to_lowercase().contains("already exist")
            }
            _ => false,
        }
    }
}

/// Returns the source of an SDK error. The error itself only repeats the kind of failure.
fn cause<E: Error + Send + Sync + 'static>(error: SdkError<E>) -> Source {
    error.into_source().unwrap_or_else(|error| error.into())
}

/// Formats an error and its sources without line breaks: the SDK lists each credentials provider on
/// its own line, and a log holds one event on each line.
pub(crate) fn one_line(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    let text = causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"));
    text.lines().map(str::trim).collect::<Vec<_>>().join("; ")
}

/// Formats a request id as the end of a message.
fn request(id: Option<&str>) -> String {
    id.map(|id| format!(" (request {id})")).unwrap_or_default()
}

/// Returns the remedy for a common refusal as the end of a message.
fn remedy(code: &str, action: &str, message: &str, resource: Option<&str>) -> String {
    match code {
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" | "HTTP 403" => {
            let known = resource.unwrap_or("*");
            // AWS writes: "... on resource: arn:... because ..."
            let resource = message.split_once("on resource: ").map(|(_, rest)| rest);
            let resource =
                resource.and_then(|rest| rest.split_whitespace().next()).unwrap_or(known);
            // AWS names the permission if it differs from the call's own.
            let named = message.split_once("not authorized to perform: ").map(|(_, rest)| rest);
            let named = named.and_then(|rest| rest.split_whitespace().next()).unwrap_or(action);
            // S3 does not say whose a bucket is.
            let unless = match action.starts_with("s3:") && !message.contains("not authorized") {
                true => ", unless the bucket is another account's",
                false => "",
            };
            format!(
                "; allowed by a policy with {{\"Effect\": \"Allow\", \"Action\": \"{named}\", \
                 \"Resource\": \"{resource}\"}}{unless}"
            )
        }
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => {
            "; renew the credentials, those of a profile with `aws sso login` or `aws login`"
                .to_owned()
        }
        "UnrecognizedClientException" | "InvalidClientTokenId" | "InvalidSignatureException" => {
            "; check that the credentials belong to an account of this region's partition"
                .to_owned()
        }
        "ResourceLimitExceeded" | "LimitExceededException" | "ServiceQuotaExceededException" => {
            format!("; {}", raise(message))
        }
        "ValidationException" if message.to_lowercase().contains("assume role") => {
            "; check that the role is there and trusts sagemaker.amazonaws.com".to_owned()
        }
        _ => String::new(),
    }
}

/// Returns how to raise the quota that a message of SageMaker is about.
pub fn raise(message: &str) -> String {
    let quota = quota(message)
        .map_or_else(|| "the quota".to_owned(), |quota| format!("the quota \"{quota}\""));
    format!(
        "{quota} is raised in the Service Quotas console, or with `aws service-quotas \
         request-service-quota-increase` and the code that `aws service-quotas \
         list-service-quotas --service-code sagemaker` tells"
    )
}

/// Returns the name of the quota that a message is about. AWS puts it in quotes: "The account-level service limit
/// 'ml.m5.large for training job usage' is 0 Instances ...".
fn quota(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once(['\'', '"'])?;
    rest.split_once(['\'', '"']).map(|(quota, _)| quota).filter(|quota| !quota.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str, message: &str) -> CallError {
        CallError::Refused {
            action: "sagemaker:DescribePipeline",
            code: code.to_owned(),
            message: message.to_owned(),
            resource: None,
            request_id: Some("8a1c".to_owned()),
        }
    }

    #[test]
    fn absence_is_recognised_by_code_or_message() {
        assert!(refused("ResourceNotFound", "").is_absent());
        assert!(refused("ValidationException", "Could not find pipeline X.").is_absent());
        assert!(
            refused("ValidationException", "Model package group X does not exist.").is_absent()
        );
        assert!(refused("ValidationException", "ModelPackage not found").is_absent());
        assert!(!refused("ValidationException", "X already exists").is_absent());
        assert!(!refused("AccessDeniedException", "does not exist").is_absent());
    }

    #[test]
    fn existence_is_recognised_by_code_or_message() {
        assert!(refused("ConflictException", "").already_exists());
        assert!(
            refused("ValidationException", "Model Package Group already exists: a")
                .already_exists()
        );
        assert!(!refused("ValidationException", "does not exist").already_exists());
        assert!(!refused("ThrottlingException", "already exists").already_exists());
    }

    #[test]
    fn a_refusal_names_action_code_remedy_and_request() {
        insta::assert_snapshot!(
            refused("AccessDeniedException", "User: a is not authorized to perform: sagemaker:DescribePipeline on resource: arn:b because no policy allows it"),
            @r#"sagemaker:DescribePipeline was refused with AccessDeniedException: User: a is not authorized to perform: sagemaker:DescribePipeline on resource: arn:b because no policy allows it; allowed by a policy with {"Effect": "Allow", "Action": "sagemaker:DescribePipeline", "Resource": "arn:b"} (request 8a1c)"#
        );
        // What the message does not name, the caller may know.
        insta::assert_snapshot!(
            refused("AccessDenied", "Access Denied").on("arn:c"),
            @r#"sagemaker:DescribePipeline was refused with AccessDenied: Access Denied; allowed by a policy with {"Effect": "Allow", "Action": "sagemaker:DescribePipeline", "Resource": "arn:c"} (request 8a1c)"#
        );
        insta::assert_snapshot!(
            refused("ResourceLimitExceeded", "The account-level service limit 'ml.m5.large for training job usage' is 0 Instances"),
            @r#"sagemaker:DescribePipeline was refused with ResourceLimitExceeded: The account-level service limit 'ml.m5.large for training job usage' is 0 Instances; the quota "ml.m5.large for training job usage" is raised in the Service Quotas console, or with `aws service-quotas request-service-quota-increase` and the code that `aws service-quotas list-service-quotas --service-code sagemaker` tells (request 8a1c)"#
        );
        insta::assert_snapshot!(
            refused("ThrottlingException", "Rate exceeded"),
            @"sagemaker:DescribePipeline was refused with ThrottlingException: Rate exceeded (request 8a1c)"
        );
    }

    #[test]
    fn throttling_and_outages_are_transient() {
        for code in [
            "ThrottlingException",
            "HTTP 429",
            "HTTP 503",
            "InternalServerException",
            "ServerException",
        ] {
            assert!(refused(code, "").is_transient(), "{code}");
        }
        for code in ["ValidationException", "AccessDeniedException", "ExpiredToken", "HTTP 403"] {
            assert!(!refused(code, "").is_transient(), "{code}");
        }
    }
}
