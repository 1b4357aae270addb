//! Sources that are reached by HTTPS.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::support::{GitHub, Sandbox, parse_lines};

const READ: [&str; 5] = ["read", "github", "organizations", "--format", "jsonl"];

/// Serves a simulated source by HTTPS, as long as the runtime lives; gives the address and the certificate of the
/// authority behind it, as PEM.
fn serve(github: &GitHub, runtime: &Runtime) -> (String, String) {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let server = CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let settings = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![server.der().clone()], key);
    let acceptor = TlsAcceptor::from(Arc::new(settings.unwrap()));
    let upstream = github.url().socket_addrs(|| None).unwrap()[0];
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let port = listener.local_addr().unwrap().port();
    runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut plain = TcpStream::connect(upstream).await.unwrap();
                // A client that does not trust us hangs up.
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    tokio::io::copy_bidirectional(&mut stream, &mut plain).await.ok();
                }
            });
        }
    });
    (format!("https://localhost:{port}"), authority.pem())
}

#[test]
fn certificate_of_an_own_authority_is_trusted_when_it_is_named() {
    let github = GitHub::start();
    let runtime = Runtime::new().unwrap();
    let (upstream, authority) = serve(&github, &runtime);
    let sandbox = Sandbox::new().with_upstream(&upstream).with_connection();
    sandbox.write("authority.pem", &authority);

    let unknown = sandbox.run(&READ);
    assert!(unknown.contains("invalid peer certificate"), "{unknown}");
    assert!(unknown.contains("`SSL_CERT_FILE`"), "{unknown}");

    let trusted = sandbox.command(&READ).env("SSL_CERT_FILE", "authority.pem").output().unwrap();
    assert!(trusted.status.success(), "{}", sandbox.shown(&trusted));
    assert_eq!(parse_lines(&trusted.stdout).len(), github.expected("organizations").len());
}
