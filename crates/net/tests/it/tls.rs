//! Whom we trust, and whom we show ourselves to.

use crate::{
    live::patient,
    server::{Server, answer, read_head, write},
};
use packhorse_core::{HostErrorKind, Retry};
use packhorse_net::{Live, Options, Request, Transport, Unanswered};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::{fs, path::PathBuf, sync::Arc};
use tempfile::TempDir;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig,
        pki_types::{PrivateKeyDer, pem::PemObject},
        server::WebPkiClientVerifier,
    },
};

/// An authority of a test's own, and a directory with its files.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    directory: TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let directory = TempDir::new().unwrap();
        fs::write(directory.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, directory }
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// A certificate for that name, and its key.
    fn issue(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }

    /// A file with a certificate and its key.
    fn identity(&self) -> PathBuf {
        let (certificate, key) = self.issue("alice.example");
        let path = self.directory.path().join("alice.pem");
        fs::write(&path, certificate.pem() + &key.serialize_pem()).unwrap();
        path
    }

    /// A server that it vouches for, and whether the server asks who is there.
    async fn server(&self, asks: bool) -> Server {
        rustls_provider();
        let (certificate, key) = self.issue("127.0.0.1");
        let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
        let builder = ServerConfig::builder();
        let builder = if asks {
            let mut roots = RootCertStore::empty();
            roots.add(self.issuer.der().clone()).unwrap();
            builder.with_client_cert_verifier(
                WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap(),
            )
        } else {
            builder.with_no_client_auth()
        };
        let config = builder.with_single_cert(vec![certificate.der().clone()], key).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Server::start(move |stream| {
            let acceptor = acceptor.clone();
            async move {
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    read_head(&mut stream).await;
                    write(&mut stream, &answer("200 OK", &[], b"hello")).await;
                }
            }
        })
        .await
    }
}

/// What a server of a test needs before it is built.
fn rustls_provider() {
    tokio_rustls::rustls::crypto::ring::default_provider().install_default().ok();
}

async fn ask(server: &Server, options: Options) -> Result<(), packhorse_core::HostError> {
    let mut url = server.url("/");
    url.set_scheme("https").unwrap();
    Live::new(&options).unwrap().send(Request::get(url, "read")).await.map(drop)
}

#[tokio::test]
async fn a_stranger_is_not_trusted_and_that_is_not_tried_again() {
    let authority = Authority::new();
    let server = authority.server(false).await;

    let error = ask(&server, patient()).await.unwrap_err();

    assert_eq!(error.retry, Retry::Never);
    assert!(matches!(Unanswered::of(&error), Some(Unanswered::Trust(_))), "{error:?}");
}

#[tokio::test]
async fn an_authority_from_a_file_is_trusted() {
    let authority = Authority::new();
    let server = authority.server(false).await;

    ask(&server, Options { ca_files: vec![authority.file()], ..patient() }).await.unwrap();
}

#[tokio::test]
async fn a_host_that_asks_who_is_there_is_shown_the_certificate() {
    let authority = Authority::new();
    let server = authority.server(true).await;
    let ca_files = vec![authority.file()];

    let nobody = ask(&server, Options { ca_files: ca_files.clone(), ..patient() }).await;
    assert!(nobody.is_err());

    let client_certificate = Some(authority.identity());
    ask(&server, Options { ca_files, client_certificate, ..patient() }).await.unwrap();
}

#[test]
fn a_file_without_a_certificate_is_refused_by_its_name() {
    let directory = TempDir::new().unwrap();
    let empty = directory.path().join("empty.pem");
    fs::write(&empty, "nothing").unwrap();

    for path in [empty, directory.path().join("absent.pem")] {
        let options = Options { ca_files: vec![path.clone()], ..patient() };
        let error = Live::new(&options).err().unwrap();

        assert_eq!(error.kind, HostErrorKind::Rejected);
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
}
