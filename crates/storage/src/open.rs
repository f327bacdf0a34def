//! From an address and the environment to a store.

use crate::{
    Storage, StorageError,
    connect::Connector,
    error::{Place, refused, unusable},
    settings::{ALLOW_HTTP, AZURE, GOOGLE, S3, Settings, Variable},
};
use object_store::{
    BackoffConfig, ClientOptions, RetryConfig, StaticCredentialProvider,
    aws::{AmazonS3Builder, AmazonS3ConfigKey},
    azure::{AzureConfigKey, MicrosoftAzureBuilder},
    gcp::{GcpCredential, GoogleCloudStorageBuilder, GoogleConfigKey},
    local::LocalFileSystem,
    path::Path as Prefix,
};
use std::{
    fs::DirBuilder, io, os::unix::fs::DirBuilderExt as _, path::Path, str::FromStr, sync::Arc,
    time::Duration,
};
use url::{Host, Url};

/// The least size of a part but the last, in bytes.
///
/// Source: Amazon, *Amazon S3 multipart upload limits*.
const LEAST_PART: u64 = 5 << 20;

/// How long a request is tried again, at most.
const TRIES_LAST: Duration = Duration::from_secs(180);

/// Opens a place; see [`Storage::open`].
pub(crate) fn open(address: &str, settings: &Settings) -> Result<Storage, StorageError> {
    let url = address.parse::<Url>().map_err(|error| {
        unusable(format!("that is no address of a store: {error}; write s3://bucket/prefix"))
    })?;
    // SECURITY: an address is printed; what else it holds is not repeated.
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
        return Err(unusable(
            "the address of a store names a place and nothing else; credentials stand in the \
             environment",
        ));
    }
    if url.fragment().is_some() || url.port().is_some() {
        return Err(unusable(format!("{address:?} holds more than a store and a place in it")));
    }
    match url.scheme() {
        "file" => directory(&url, settings),
        "s3" => s3(&Parts::of(&url)?, settings),
        "az" => azure(&Parts::of(&url)?, settings),
        "gs" => google(&Parts::of(&url)?, settings),
        other => Err(unusable(format!(
            "{other:?} is no store that is known; write s3://, az://, gs:// or file:///"
        ))),
    }
}

/// An address of an object store, taken apart.
struct Parts {
    /// A bucket or a container.
    bucket: String,
    prefix: Prefix,
    /// All of it, without a slash at its end.
    address: String,
}

impl Parts {
    fn of(url: &Url) -> Result<Self, StorageError> {
        let bucket = url.host_str().unwrap_or_default().to_owned();
        if bucket.is_empty() {
            return Err(unusable(format!(
                "the address names no bucket; write {}://bucket/prefix",
                url.scheme()
            )));
        }
        let prefix = Prefix::from_url_path(url.path()).map_err(|error| {
            unusable(format!("the prefix of the address cannot be used: {error}"))
        })?;
        Ok(Self { bucket, prefix, address: url.as_str().trim_end_matches('/').to_owned() })
    }
}

fn directory(url: &Url, settings: &Settings) -> Result<Storage, StorageError> {
    let path = url.host_str().is_none().then(|| url.to_file_path().ok()).flatten();
    let path = path.ok_or_else(|| unusable("write file:/// and the whole path of a directory"))?;
    let name = format!("the directory {}", path.display());
    make_private(&path).map_err(|error| unusable(format!("{name} cannot be made: {error}")))?;
    let store = LocalFileSystem::new_with_prefix(&path).map_err(|it| refused(&name, &it, &[]))?;
    let credentials = "the directory's owner and rights";
    let place = Place { name, credentials, is_directory: true, secrets: Vec::new() };
    Ok(Storage {
        store: Arc::new(store),
        signer: None,
        signs_plain: false,
        place: Arc::new(place),
        address: url.as_str().trim_end_matches('/').to_owned(),
        prefix: Prefix::default(),
        part: settings.part.max(LEAST_PART),
    })
}

/// SECURITY: what is stored is for its owner; a directory that is there keeps its rights.
fn make_private(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn s3(at: &Parts, settings: &Settings) -> Result<Storage, StorageError> {
    let endpoint = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"];
    let endpoint = endpoint.into_iter().find_map(|it| settings.value(it));
    let (endpoint, way) = Way::to(endpoint, settings)?;
    let mut builder = AmazonS3Builder::new();
    for (key, value) in known::<AmazonS3ConfigKey>(S3, settings) {
        builder = builder.with_config(key, value);
    }
    let name = match endpoint {
        None => format!("the bucket {:?} of S3", at.bucket),
        Some(endpoint) => format!("the bucket {:?} at {endpoint}", at.bucket),
    };
    let secrets = secrets(S3, settings);
    let store = builder
        .with_bucket_name(&at.bucket)
        .with_client_options(way.options())
        .with_http_connector(way.connector())
        .with_retry(retry(settings))
        // Not all that speaks like S3 removes several objects at once.
        .with_disable_bulk_delete(true)
        .build()
        .map_err(|error| refused(&name, &error, &secrets))?;
    let credentials = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
    let place = Place { name, credentials, is_directory: false, secrets };
    Ok(remote(store, place, at, settings))
}

fn azure(at: &Parts, settings: &Settings) -> Result<Storage, StorageError> {
    let connection = settings.value("AZURE_STORAGE_CONNECTION_STRING").map(Connection::of);
    let connection = connection.unwrap_or_default();
    let said = settings.value("AZURE_STORAGE_SERVICE_ENDPOINT");
    let (endpoint, way) = Way::to(said.or(connection.endpoint.as_deref()), settings)?;
    let mut builder = MicrosoftAzureBuilder::new();
    let from_connection = [
        (AzureConfigKey::AccountName, &connection.account),
        (AzureConfigKey::AccessKey, &connection.key),
        (AzureConfigKey::SasKey, &connection.sas),
        (AzureConfigKey::Endpoint, &connection.endpoint),
    ];
    for (key, value) in from_connection {
        if let Some(value) = value {
            builder = builder.with_config(key, value);
        }
    }
    for (key, value) in known::<AzureConfigKey>(AZURE, settings) {
        builder = builder.with_config(key, value);
    }
    let name = match endpoint {
        None => format!("the container {:?} of Azure", at.bucket),
        Some(endpoint) => format!("the container {:?} at {endpoint}", at.bucket),
    };
    let mut secrets = secrets(AZURE, settings);
    secrets.extend([connection.key, connection.sas].into_iter().flatten());
    let store = builder
        .with_container_name(&at.bucket)
        .with_client_options(way.options())
        .with_http_connector(way.connector())
        .with_retry(retry(settings))
        .build()
        .map_err(|error| refused(&name, &error, &secrets))?;
    let credentials = "AZURE_STORAGE_ACCOUNT and AZURE_STORAGE_KEY";
    let place = Place { name, credentials, is_directory: false, secrets };
    Ok(Storage { signs_plain: true, ..remote(store, place, at, settings) })
}

fn google(at: &Parts, settings: &Settings) -> Result<Storage, StorageError> {
    let emulator = settings.value("STORAGE_EMULATOR_HOST").map(|it| match it.contains("://") {
        true => it.to_owned(),
        false => format!("http://{it}"),
    });
    let (emulator, way) = Way::to(emulator.as_deref(), settings)?;
    let mut builder = GoogleCloudStorageBuilder::new();
    for (key, value) in known::<GoogleConfigKey>(GOOGLE, settings) {
        builder = builder.with_config(key, value);
    }
    let name = match emulator {
        None => format!("the bucket {:?} of Google", at.bucket),
        Some(emulator) => format!("the bucket {:?} at {emulator}", at.bucket),
    };
    if let Some(emulator) = emulator {
        // Not all requests heed that nobody is named, and would ask the machine for a name.
        let nobody = StaticCredentialProvider::new(GcpCredential { bearer: "nobody".to_owned() });
        builder = builder
            .with_base_url(emulator.trim_end_matches('/'))
            .with_skip_signature(true)
            .with_credentials(Arc::new(nobody));
    }
    let store = builder
        .with_bucket_name(&at.bucket)
        .with_client_options(way.options())
        .with_http_connector(way.connector())
        .with_retry(retry(settings))
        .build()
        .map_err(|error| refused(&name, &error, &[]))?;
    let credentials = "GOOGLE_APPLICATION_CREDENTIALS";
    let place = Place { name, credentials, is_directory: false, secrets: Vec::new() };
    let storage = remote(store, place, at, settings);
    // Nobody's name can stand under an address of an emulator.
    let signer = storage.signer.filter(|_| emulator.is_none());
    Ok(Storage { signer, ..storage })
}

fn remote<S>(store: S, place: Place, at: &Parts, settings: &Settings) -> Storage
where
    S: object_store::ObjectStore + object_store::signer::Signer,
{
    let store = Arc::new(store);
    Storage {
        signer: Some(Arc::clone(&store) as _),
        signs_plain: false,
        store,
        place: Arc::new(place),
        address: at.address.clone(),
        prefix: at.prefix.clone(),
        part: settings.part.max(LEAST_PART),
    }
}

/// What is said, under the names of a store's client.
fn known<'a, K: FromStr>(
    of: &'a [Variable],
    settings: &'a Settings,
) -> impl Iterator<Item = (K, &'a str)> {
    of.iter().filter_map(|it| Some((it.key.parse().ok()?, settings.value(it.name)?)))
}

fn secrets(of: &[Variable], settings: &Settings) -> Vec<String> {
    let found = of.iter().filter(|it| it.is_secret).filter_map(|it| settings.value(it.name));
    found.map(str::to_owned).collect()
}

fn retry(settings: &Settings) -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig::default(),
        max_retries: settings.retries,
        retry_timeout: TRIES_LAST,
    }
}

/// The way to a store.
struct Way {
    is_plain: bool,
    is_loopback: bool,
}

impl Way {
    /// The way to an endpoint, where one was named.
    fn to<'a>(
        endpoint: Option<&'a str>,
        settings: &Settings,
    ) -> Result<(Option<&'a str>, Self), StorageError> {
        let Some(endpoint) = endpoint else {
            return Ok((None, Self { is_plain: false, is_loopback: false }));
        };
        let url = endpoint.parse::<Url>().ok().filter(|it| {
            let is_bare = it.username().is_empty() && it.password().is_none();
            matches!(it.scheme(), "http" | "https") && is_bare && it.query().is_none()
        });
        let Some(url) = url else {
            return Err(unusable(
                "the endpoint of the store cannot be used; write https://host:port, and nothing \
                 of credentials",
            ));
        };
        let is_loopback = match url.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(it)) => it.is_loopback(),
            Some(Host::Ipv6(it)) => it.is_loopback(),
            None => false,
        };
        let is_plain = url.scheme() == "http";
        // SECURITY: what is stored is private, and everybody on the way would read it.
        if is_plain && !is_loopback && !settings.allow_http {
            return Err(unusable(format!(
                "the endpoint {endpoint} has no TLS; write https://, or set {ALLOW_HTTP}=true if \
                 nobody else is on that network"
            )));
        }
        Ok((Some(endpoint), Self { is_plain, is_loopback }))
    }

    fn options(&self) -> ClientOptions {
        ClientOptions::new().with_allow_http(self.is_plain)
    }

    fn connector(&self) -> Connector {
        Connector { is_loopback: self.is_loopback }
    }
}

/// What Azure's connection string says.
#[derive(Default)]
struct Connection {
    account: Option<String>,
    key: Option<String>,
    sas: Option<String>,
    endpoint: Option<String>,
}

impl Connection {
    fn of(text: &str) -> Self {
        let pairs = text.split(';').filter_map(|it| it.trim().split_once('='));
        let value = |name: &str| {
            let mut found = pairs.clone().filter(|it| it.0.eq_ignore_ascii_case(name));
            found.next().map(|it| it.1.to_owned()).filter(|it| !it.is_empty())
        };
        let account = value("AccountName");
        let made = || {
            let (account, suffix) = (account.as_deref()?, value("EndpointSuffix")?);
            let scheme = value("DefaultEndpointsProtocol").unwrap_or_else(|| "https".to_owned());
            Some(format!("{scheme}://{account}.blob.{suffix}"))
        };
        Self {
            endpoint: value("BlobEndpoint").or_else(made),
            key: value("AccountKey"),
            sas: value("SharedAccessSignature"),
            account,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Trouble;

    fn settings(variables: &[(&str, &str)]) -> Settings {
        Settings::of(variables.iter().map(|it| (it.0.to_owned(), it.1.to_owned())))
    }

    #[track_caller]
    fn refuses(address: &str, variables: &[(&str, &str)], says: &str) {
        let error = open(address, &settings(variables)).unwrap_err();
        assert_eq!(error.trouble, Trouble::Configuration, "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }

    #[test]
    fn an_address_names_a_place_and_nothing_else() {
        refuses("acme", &[], "no address of a store");
        refuses("ftp://acme", &[], "s3://, az://, gs://");
        refuses("s3:///prefix", &[], "no bucket");
        refuses("s3://acme:9000/x", &[], "more than a store");
        refuses("file://host/x", &[], "file:///");
        for secret in ["s3://key:s3cr3t@acme", "az://acme?sig=s3cr3t"] {
            let error = open(secret, &settings(&[])).unwrap_err();
            assert!(error.to_string().contains("environment"), "{error}");
            assert!(!error.to_string().contains("s3cr3t"), "{error}");
        }
    }

    #[test]
    fn an_endpoint_without_tls_is_on_this_machine_or_allowed() {
        let keys = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")];
        let with = |endpoint| [keys[0], keys[1], ("AWS_ENDPOINT_URL", endpoint)];

        for here in ["http://127.0.0.1:9000", "http://localhost:9000", "http://[::1]:9000"] {
            assert!(open("s3://acme", &settings(&with(here))).is_ok(), "{here}");
        }
        refuses("s3://acme", &with("http://minio.example:9000"), "has no TLS");
        refuses("s3://acme", &with("http://127.0.0.1.example"), "has no TLS");
        refuses("s3://acme", &with("ftp://127.0.0.1"), "endpoint");
        let mut allowed = settings(&with("http://minio.example:9000"));
        allowed.allow_http = true;
        let storage = open("s3://acme", &allowed).unwrap();
        assert_eq!(storage.to_string(), "the bucket \"acme\" at http://minio.example:9000");
    }

    #[test]
    fn an_endpoint_for_s3_alone_goes_before_the_general_one() {
        let variables = [
            ("AWS_ENDPOINT_URL", "https://all.example"),
            ("AWS_ENDPOINT_URL_S3", "https://s3.example"),
            ("AWS_ACCESS_KEY_ID", "a"),
            ("AWS_SECRET_ACCESS_KEY", "b"),
        ];

        let storage = open("s3://acme/x", &settings(&variables)).unwrap();

        assert_eq!(storage.to_string(), "the bucket \"acme\" at https://s3.example");
    }

    #[test]
    fn an_emulator_of_google_is_asked_without_credentials_and_signs_nothing() {
        for (said, means) in
            [("127.0.0.1:4443", "http://127.0.0.1:4443"), ("http://[::1]:1", "http://[::1]:1")]
        {
            let storage =
                open("gs://acme/x", &settings(&[("STORAGE_EMULATOR_HOST", said)])).unwrap();
            assert_eq!(storage.to_string(), format!("the bucket \"acme\" at {means}"));
            assert!(!storage.can_sign());
        }
        refuses("gs://acme", &[("STORAGE_EMULATOR_HOST", "gcs.example:4443")], "has no TLS");
    }

    #[test]
    fn credentials_that_are_half_there_are_refused() {
        refuses("s3://acme", &[("AWS_ACCESS_KEY_ID", "a")], "SecretAccessKey");
        refuses("az://acme", &[("AZURE_STORAGE_KEY", "YQ==")], "Account");
    }

    #[test]
    fn a_connection_string_says_all_of_azure() {
        let text = "DefaultEndpointsProtocol=https;AccountName=acme;AccountKey=YWI=;\
                    EndpointSuffix=core.windows.net";

        let found = Connection::of(text);

        assert_eq!(found.account.as_deref(), Some("acme"));
        assert_eq!(found.key.as_deref(), Some("YWI="));
        assert_eq!(found.endpoint.as_deref(), Some("https://acme.blob.core.windows.net"));
        let storage =
            open("az://box", &settings(&[("AZURE_STORAGE_CONNECTION_STRING", text)])).unwrap();
        assert!(storage.can_sign());
    }

    #[tokio::test]
    async fn azure_signs_what_an_address_spells_as_it_is_and_nothing_else() {
        let text = "AccountName=acme;AccountKey=YWI=;EndpointSuffix=core.windows.net";
        let storage =
            open("az://box/some", &settings(&[("AZURE_STORAGE_CONNECTION_STRING", text)])).unwrap();
        let lasts = Duration::from_secs(60);

        let plain = storage.signed_get_url("a-1_b.tar.gz", lasts).await.unwrap();

        assert!(plain.path().ends_with("/box/some/a-1_b.tar.gz"), "{plain}");
        for curious in ["a b.tar.gz", "é.tar.gz", "a+b.tar.gz"] {
            let error = storage.signed_get_url(curious, lasts).await.unwrap_err();
            assert_eq!(error.trouble, Trouble::Unsupported, "{error}");
        }
    }
}
