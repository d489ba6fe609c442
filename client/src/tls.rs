//! TLS below a WebSocket.

use std::io;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme,
    StreamOwned,
};

use crate::address::WebSocketUrl;
use crate::socket::TimedSocket;

/// A stream over TLS.
pub type TlsStream = StreamOwned<ClientConnection, TimedSocket>;

/// Shakes hands over `socket`. The error is for people.
pub fn connect(url: &WebSocketUrl, socket: TimedSocket) -> Result<TlsStream, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let named = named(url.ca())?;
    let verifier = WebPkiServerVerifier::builder_with_provider(
        Arc::new(roots(&named)?),
        Arc::clone(&provider),
    );
    let verifier = Verifier {
        named,
        others: verifier.build().map_err(|e| e.to_string())?,
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    let name = ServerName::try_from(url.host().to_owned())
        .map_err(|_| format!("{} is no name that a certificate can have", url.host()))?;
    let connection = ClientConnection::new(Arc::new(config), name).map_err(|e| e.to_string())?;
    let mut stream = StreamOwned::new(connection, socket);
    while stream.conn.is_handshaking() {
        stream
            .conn
            .complete_io(&mut stream.sock)
            .map_err(|error| reason(&error))?;
    }
    Ok(stream)
}

/// The certificates that the caller trusts; none if it names none.
fn named(ca: Option<&[u8]>) -> Result<Vec<CertificateDer<'static>>, String> {
    let Some(pem) = ca else {
        return Ok(Vec::new());
    };
    let named: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let named = named.map_err(|e| format!("the certificate to trust: {e}"))?;
    match named.is_empty() {
        true => Err("there is no certificate to trust in the file (PEM)".into()),
        false => Ok(named),
    }
}

/// The named certificates, or else the system's.
fn roots(named: &[CertificateDer<'static>]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    if named.is_empty() {
        // A few that cannot be read are no error.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        return match roots.is_empty() {
            true => Err(
                "this system trusts no certificates: install ca-certificates, or name the one to trust".into(),
            ),
            false => Ok(roots),
        };
    }
    for certificate in named {
        roots
            .add(certificate.clone())
            .map_err(|e| format!("the certificate to trust: {e}"))?;
    }
    Ok(roots)
}

fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.contains("UnknownIssuer") {
        true => format!("{text}: it is not signed by a trusted one; name it as the one to trust"),
        false => text,
    }
}

/// Accepts a certificate that the caller names, as it is: its key is the proof, whatever name or purpose it states.
/// Others must be signed by a trusted one, for the host's name.
#[derive(Debug)]
struct Verifier {
    named: Vec<CertificateDer<'static>>,
    others: Arc<WebPkiServerVerifier>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer,
        intermediates: &[CertificateDer],
        name: &ServerName,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.named.iter().any(|named| named == certificate) {
            return Ok(ServerCertVerified::assertion());
        }
        self.others
            .verify_server_cert(certificate, intermediates, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.others
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.others
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.others.supported_verify_schemes()
    }
}
