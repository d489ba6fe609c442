//! TLS below a WebSocket.

use std::io;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::address::WebSocketUrl;
use crate::socket::TimedSocket;

/// A stream over TLS.
pub type TlsStream = StreamOwned<ClientConnection, TimedSocket>;

/// Shakes hands over `socket`. The error is for people.
pub fn connect(url: &WebSocketUrl, socket: TimedSocket) -> Result<TlsStream, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?
        .with_root_certificates(roots(url.ca())?)
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

fn roots(ca: Option<&[u8]>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let Some(pem) = ca else {
        // A few that cannot be read are no error.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        return match roots.is_empty() {
            true => Err("this system trusts no certificates: install ca-certificates, or name the one to trust".into()),
            false => Ok(roots),
        };
    };
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|e| format!("the certificate to trust: {e}"))?;
        roots
            .add(certificate)
            .map_err(|e| format!("the certificate to trust: {e}"))?;
    }
    match roots.is_empty() {
        true => Err("there is no certificate to trust in the file (PEM)".into()),
        false => Ok(roots),
    }
}

fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.contains("UnknownIssuer") {
        true => format!("{text}: it is not signed by a trusted one; name it as the one to trust"),
        false => text,
    }
}
