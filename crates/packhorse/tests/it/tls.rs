//! TLS before a stand-in, with an authority that a bench trusts.

use crate::bench::Bench;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::{fs, sync::Arc};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

/// A certificate for this machine, its key, and who vouches for it, in PEM.
pub(crate) fn certificate() -> (String, String, String) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    (certificate.pem(), key.serialize_pem(), issuer.pem())
}

/// A door of TLS before a server on loopback.
pub(crate) struct Door {
    /// Its address, such as `https://127.0.0.1:40123`.
    pub(crate) url: String,
    authority: String,
    task: JoinHandle<()>,
}

impl Door {
    /// Opens a door before the server at that address.
    pub(crate) async fn before(url: &str) -> Self {
        // Fails where a provider is installed already, which then serves as well.
        tokio_rustls::rustls::crypto::ring::default_provider().install_default().ok();
        let (certificate, key, authority) = certificate();
        let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let config = ServerConfig::builder().with_no_client_auth();
        let config = config.with_single_cert(vec![certificate], key).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = format!("https://{}", listener.local_addr().unwrap());
        let behind = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, behind) = (acceptor.clone(), behind.clone());
                tokio::spawn(async move {
                    let Ok(mut outside) = acceptor.accept(stream).await else { return };
                    let Ok(mut inside) = TcpStream::connect(behind).await else { return };
                    copy_bidirectional(&mut outside, &mut inside).await.ok();
                });
            }
        });
        Self { url: own, authority, task }
    }

    /// Lets a bench trust whoever vouches for the door.
    pub(crate) fn trust(&self, bench: &Bench) {
        fs::write(bench.path("ca.pem"), &self.authority).unwrap();
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.task.abort();
    }
}
