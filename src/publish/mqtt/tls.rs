//! Trusted certificates and the client's own, for a connection over TLS.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::config::MqttConfig;
use crate::publish::mqtt::error::MqttError;

/// # Errors
///
/// If a file cannot be read or used, or the system has no certificates.
pub fn client_config(config: &MqttConfig) -> Result<Arc<ClientConfig>, MqttError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let trusting = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| MqttError::Tls(e.to_string()))?
        .with_root_certificates(roots(&config.ca_file)?);
    let client_config = match (
        config.client_cert_file.as_str(),
        config.client_key_file.as_str(),
    ) {
        ("", _) | (_, "") => trusting.with_no_client_auth(),
        (certificate, key) => {
            let error = |reason: String| MqttError::file(key, &reason);
            let own_key =
                PrivateKeyDer::from_pem_file(key).map_err(|e| error(words(&e, "private key")))?;
            trusting
                .with_client_auth_cert(certificates(certificate)?, own_key)
                .map_err(|e| error(e.to_string()))?
        }
    };
    Ok(Arc::new(client_config))
}

fn roots(ca_file: &str) -> Result<RootCertStore, MqttError> {
    let mut roots = RootCertStore::empty();
    if ca_file.is_empty() {
        let system = rustls_native_certs::load_native_certs();
        // A few that cannot be read are no error.
        roots.add_parsable_certificates(system.certs);
        if roots.is_empty() {
            return Err(MqttError::Tls(
                "this system trusts no certificates: install ca-certificates, or set publish.mqtt.ca_file".into(),
            ));
        }
        return Ok(roots);
    }
    for certificate in certificates(ca_file)? {
        roots
            .add(certificate)
            .map_err(|e| MqttError::file(ca_file, &e.to_string()))?;
    }
    Ok(roots)
}

fn certificates(path: &str) -> Result<Vec<CertificateDer<'static>>, MqttError> {
    let read = CertificateDer::pem_file_iter(Path::new(path)).and_then(Iterator::collect);
    let found: Vec<_> = read.map_err(|e| MqttError::file(path, &words(&e, "certificate")))?;
    match found.is_empty() {
        true => Err(MqttError::file(path, "there is no certificate in it (PEM)")),
        false => Ok(found),
    }
}

fn words(error: &rustls::pki_types::pem::Error, kind: &str) -> String {
    use rustls::pki_types::pem::Error;
    match error {
        Error::NoItemsFound => format!("there is no {kind} in it (PEM)"),
        Error::Io(error) => error.to_string(),
        other => format!("it is no {kind} in PEM: {other}"),
    }
}
