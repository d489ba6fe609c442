//! JSON lines on a Unix socket, for the user and group of the daemon.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use crate::publish::fanout::Subscriptions;
use crate::publish::lines::{Listener, serve};
use crate::publish::server::Server;

/// Permissions of the socket: user and group may connect.
const MODE: u32 = 0o660;

impl Listener for tokio::net::UnixListener {
    type Stream = tokio::net::UnixStream;

    async fn accept(&self) -> io::Result<Self::Stream> {
        tokio::net::UnixListener::accept(self)
            .await
            .map(|(stream, _)| stream)
    }
}

/// Listens on `path`. A socket that no program listens on any more is replaced.
///
/// # Errors
///
/// `AddrInUse` if another program listens on the socket, `AlreadyExists` if the path is not a socket; otherwise what
/// the system reports.
pub fn start(path: &Path, subscriptions: Subscriptions, clients_max: usize) -> io::Result<Server> {
    make_room(path)?;
    // Created under another name, so that nobody connects before the permissions are set.
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}", std::process::id()));
    let temporary = PathBuf::from(temporary);
    let listener = UnixListener::bind(&temporary)?;
    let ready = fs::set_permissions(&temporary, fs::Permissions::from_mode(MODE))
        .and_then(|()| fs::rename(&temporary, path))
        .and_then(|()| listener.set_nonblocking(true))
        .and_then(|()| fs::metadata(path));
    let ready = ready.inspect_err(|_| {
        let _ = fs::remove_file(&temporary);
    })?;
    let socket = Socket {
        path: path.into(),
        inode: ready.ino(),
    };
    Server::start("unix", move || async move {
        let _socket = socket;
        let listener = tokio::net::UnixListener::from_std(listener)?;
        serve(listener, subscriptions, clients_max).await;
        Ok(())
    })
}

/// Checks that what is at `path` may be replaced.
fn make_room(path: &Path) -> io::Result<()> {
    let there = match fs::symlink_metadata(path) {
        Ok(there) => there,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !there.file_type().is_socket() {
        let problem = "a file that is no socket is there; choose another path";
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, problem));
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Ok(_) => Err(io::Error::new(
            io::ErrorKind::AddrInUse,
            "another program listens on it; end that one or choose another path",
        )),
        Err(error) => Err(error),
    }
}

/// The file of the socket, removed with the server.
struct Socket {
    path: PathBuf,
    inode: u64,
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Another program may have replaced it.
        if fs::symlink_metadata(&self.path).is_ok_and(|there| there.ino() == self.inode) {
            let _ = fs::remove_file(&self.path);
        }
    }
}
