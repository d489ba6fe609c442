//! TLS of the HTTP server: its certificate, read again when its files change.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{Error as PemError, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

use crate::config::TlsFiles;

/// Time between checks for a new certificate.
const CHECK_EVERY: Duration = Duration::from_secs(10);

/// Why the certificate or its key cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct TlsError {
    path: PathBuf,
    problem: String,
}

/// Reads the certificate.
///
/// # Errors
///
/// If a file cannot be read, or the two do not belong together.
pub fn acceptor(files: TlsFiles) -> Result<TlsAcceptor, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder
        .with_safe_default_protocol_versions()
        .map_err(|e| error(&files.cert, e.to_string()))?;
    let changed = changed(&files);
    let current = Current {
        certificate: read(&files, &provider)?,
        changed,
        checked: Instant::now(),
    };
    let resolver = Renewed {
        files,
        provider,
        current: Mutex::new(current),
    };
    let config = builder
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver));
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn read(files: &TlsFiles, provider: &CryptoProvider) -> Result<Arc<CertifiedKey>, TlsError> {
    let chain = CertificateDer::pem_file_iter(&files.cert).and_then(Iterator::collect);
    let chain: Vec<_> = chain.map_err(|e| error(&files.cert, words(e, "certificate")))?;
    if chain.is_empty() {
        let none = words(PemError::NoItemsFound, "certificate");
        return Err(error(&files.cert, none));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key);
    let key = key.map_err(|e| error(&files.key, words(e, "private key")))?;
    let mismatch = |e| {
        error(
            &files.key,
            format!("no key of {}: {e}", files.cert.display()),
        )
    };
    let certified = CertifiedKey::from_der(chain, key, provider);
    certified.map(Arc::new).map_err(mismatch)
}

/// When the files were last changed.
fn changed(files: &TlsFiles) -> [Option<SystemTime>; 2] {
    [&files.cert, &files.key].map(|path| path.metadata().and_then(|file| file.modified()).ok())
}

fn error(path: &Path, problem: String) -> TlsError {
    TlsError {
        path: path.into(),
        problem,
    }
}

fn words(error: PemError, kind: &str) -> String {
    match error {
        PemError::NoItemsFound => format!("there is no {kind} in it (PEM)"),
        PemError::Io(error) => error.to_string(),
        other => format!("it is no {kind} in PEM: {other}"),
    }
}

/// The certificate, read again when its files have changed. One that cannot be used leaves the old one in use.
#[derive(Debug)]
struct Renewed {
    files: TlsFiles,
    provider: Arc<CryptoProvider>,
    current: Mutex<Current>,
}

#[derive(Debug)]
struct Current {
    certificate: Arc<CertifiedKey>,
    /// When the files were last changed.
    changed: [Option<SystemTime>; 2],
    checked: Instant,
}

impl ResolvesServerCert for Renewed {
    fn resolve(&self, _: ClientHello) -> Option<Arc<CertifiedKey>> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.checked.elapsed() >= CHECK_EVERY {
            current.checked = Instant::now();
            let changed = changed(&self.files);
            if changed != current.changed {
                current.changed = changed;
                match read(&self.files, &self.provider) {
                    Ok(renewed) => current.certificate = renewed,
                    Err(error) => tracing::error!("the old certificate stays in use: {error}"),
                }
            }
        }
        Some(Arc::clone(&current.certificate))
    }
}
