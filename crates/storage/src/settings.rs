//! Who asks a store, and how: what the environment says.

use std::{collections::BTreeMap, env, fmt};

/// A variable that is read, with what it says.
pub(crate) struct Variable {
    pub(crate) name: &'static str,
    /// What the store's client calls it; empty where we read it ourselves.
    pub(crate) key: &'static str,
    pub(crate) is_secret: bool,
}

const fn open(name: &'static str, key: &'static str) -> Variable {
    Variable { name, key, is_secret: false }
}

const fn secret(name: &'static str, key: &'static str) -> Variable {
    Variable { name, key, is_secret: true }
}

/// Of S3. Sources: Amazon, *Configuring environment variables for the AWS CLI*, and *Container
/// credential provider*.
pub(crate) const S3: &[Variable] = &[
    open("AWS_ACCESS_KEY_ID", "aws_access_key_id"),
    secret("AWS_SECRET_ACCESS_KEY", "aws_secret_access_key"),
    secret("AWS_SESSION_TOKEN", "aws_session_token"),
    open("AWS_DEFAULT_REGION", "aws_default_region"),
    open("AWS_REGION", "aws_region"),
    open("AWS_ENDPOINT_URL", "aws_endpoint_url"),
    open("AWS_ENDPOINT_URL_S3", "aws_endpoint_url_s3"),
    open("AWS_WEB_IDENTITY_TOKEN_FILE", "aws_web_identity_token_file"),
    open("AWS_ROLE_ARN", "aws_role_arn"),
    open("AWS_ROLE_SESSION_NAME", "aws_role_session_name"),
    open("AWS_ENDPOINT_URL_STS", "aws_endpoint_url_sts"),
    open("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "aws_container_credentials_relative_uri"),
    open("AWS_CONTAINER_CREDENTIALS_FULL_URI", "aws_container_credentials_full_uri"),
    open("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "aws_container_authorization_token_file"),
    open("AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "aws_virtual_hosted_style_request"),
];

/// Of Azure. Sources: Microsoft, *Azure CLI environment variables*, *Configure Azure Storage
/// connection strings*, and `EnvironmentCredential` of its libraries.
pub(crate) const AZURE: &[Variable] = &[
    open("AZURE_STORAGE_ACCOUNT", "azure_storage_account_name"),
    secret("AZURE_STORAGE_KEY", "azure_storage_account_key"),
    secret("AZURE_STORAGE_SAS_TOKEN", "azure_storage_sas_token"),
    secret("AZURE_STORAGE_CONNECTION_STRING", ""),
    open("AZURE_STORAGE_SERVICE_ENDPOINT", "azure_storage_endpoint"),
    open("AZURE_CLIENT_ID", "azure_client_id"),
    secret("AZURE_CLIENT_SECRET", "azure_client_secret"),
    open("AZURE_TENANT_ID", "azure_tenant_id"),
    open("AZURE_AUTHORITY_HOST", "azure_authority_host"),
    open("AZURE_FEDERATED_TOKEN_FILE", "azure_federated_token_file"),
    open("IDENTITY_ENDPOINT", "identity_endpoint"),
];

/// Of Google. Source: Google, *How Application Default Credentials works*. Without any, what its
/// command line left in the home directory serves, or the machine's own account. Its libraries go
/// to the emulator that `STORAGE_EMULATOR_HOST` names, and tell it nothing.
pub(crate) const GOOGLE: &[Variable] = &[
    open("GOOGLE_APPLICATION_CREDENTIALS", "google_application_credentials"),
    open("STORAGE_EMULATOR_HOST", ""),
];

/// Allows endpoints without TLS that are not on this machine.
pub(crate) const ALLOW_HTTP: &str = "PACKHORSE_STORAGE_ALLOW_HTTP";

/// Names of all variables that are read, in no order of weight.
pub const VARIABLES: &[&str] = &{
    let mut names = [ALLOW_HTTP; S3.len() + AZURE.len() + GOOGLE.len() + 1];
    let (mut at, mut i) = (0, 0);
    while i < S3.len() {
        names[at] = S3[i].name;
        (at, i) = (at + 1, i + 1);
    }
    i = 0;
    while i < AZURE.len() {
        names[at] = AZURE[i].name;
        (at, i) = (at + 1, i + 1);
    }
    i = 0;
    while i < GOOGLE.len() {
        names[at] = GOOGLE[i].name;
        (at, i) = (at + 1, i + 1);
    }
    names
};

/// Who asks a store, and how.
#[derive(Clone)]
pub struct Settings {
    /// Variables and what they say; only those of [`VARIABLES`] are looked at.
    pub variables: BTreeMap<String, String>,
    /// Whether an endpoint without TLS may be elsewhere than on this machine.
    pub allow_http: bool,
    /// Size of the parts in which files go up, in bytes; at least 5 MiB, which is S3's least.
    /// Larger files go up in larger parts, for there are at most 10,000.
    pub part: u64,
    /// How often a request is tried again that failed on the way or by the store's fault.
    pub retries: usize,
}

impl Settings {
    /// Size of parts unless something else is said, in bytes.
    pub const PART: u64 = 8 << 20;

    /// As the environment of this process says.
    pub fn of_environment() -> Self {
        let found = VARIABLES.iter().filter_map(|it| Some(((*it).to_owned(), env::var(it).ok()?)));
        Self::of(found)
    }

    /// As these variables say.
    pub fn of(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let variables: BTreeMap<_, _> =
            variables.into_iter().filter(|it| !it.1.is_empty()).collect();
        let allow_http = variables.get(ALLOW_HTTP).is_some_and(|it| it == "true" || it == "1");
        Self { variables, allow_http, part: Self::PART, retries: 5 }
    }

    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }
}

impl fmt::Debug for Settings {
    /// SECURITY: names of variables, and nothing of what they say.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("variables", &self.variables.keys().collect::<Vec<_>>())
            .field("allow_http", &self.allow_http)
            .field("part", &self.part)
            .field("retries", &self.retries)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_is_named() {
        for name in ["AWS_SECRET_ACCESS_KEY", "AZURE_STORAGE_KEY", "GOOGLE_APPLICATION_CREDENTIALS"]
        {
            assert!(VARIABLES.contains(&name), "{name}");
        }
        assert_eq!(VARIABLES.iter().filter(|it| **it == ALLOW_HTTP).count(), 1);
    }

    #[test]
    fn what_variables_say_is_not_printed() {
        let settings = Settings::of([("AWS_SECRET_ACCESS_KEY".to_owned(), "s3cr3t".to_owned())]);

        assert!(!format!("{settings:?}").contains("s3cr3t"));
    }
}
