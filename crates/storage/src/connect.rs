//! How stores are reached: over the same TLS as everything else.

use object_store::{
    ClientConfigKey, ClientOptions,
    client::{HttpClient, HttpConnector},
};
use std::time::Duration;

/// How long a store may take for a part or for the next bytes: a part of 8 MiB arrives in it also
/// over a slow line.
const SILENCE: Duration = Duration::from_secs(120);

/// How long connecting may take, unless the store's client says otherwise, as it does for the
/// address that only machines in a cloud have.
const CONNECT: u64 = 10;

/// Connects to stores.
#[derive(Debug)]
pub(crate) struct Connector {
    /// Whether the store is on this machine, where no proxy leads.
    pub(crate) is_loopback: bool,
}

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        // Fails where a provider is installed already, which then serves as well.
        rustls::crypto::ring::default_provider().install_default().ok();
        let value = |key| options.get_config_value(&key);
        let allow_http = value(ClientConfigKey::AllowHttp).as_deref() == Some("true");
        let connect = value(ClientConfigKey::ConnectTimeout);
        let connect = connect.and_then(|it| it.strip_suffix('s')?.parse().ok()).unwrap_or(CONNECT);
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("packhorse/", env!("CARGO_PKG_VERSION")))
            .https_only(!allow_http)
            // SECURITY: where a store would lead is nowhere that somebody has named.
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            // What is unpacked on the way has another length than the store said.
            .no_gzip()
            .http1_only()
            .connect_timeout(Duration::from_secs(connect))
            .read_timeout(SILENCE);
        if self.is_loopback {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| object_store::Error::Generic {
            store: "HTTP",
            source: Box::new(error.without_url()),
        })?;
        Ok(HttpClient::new(client))
    }
}
