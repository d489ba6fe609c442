//! JSON lines on a Unix socket, for the daemon's user and group.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use crate::publish::fanout::Subscriptions;
use crate::publish::lines::{Door, serve};
use crate::publish::server::Server;

/// Who may connect: user and group.
const MODE: u32 = 0o660;

impl Door for tokio::net::UnixListener {
    type Stream = tokio::net::UnixStream;

    async fn open(&self) -> io::Result<Self::Stream> {
        self.accept().await.map(|(stream, _)| stream)
    }
}

/// Listens on `path`. A socket that nobody listens on any more is replaced; one that is alive is
/// refused with `AddrInUse`, and what is no socket with `AlreadyExists`.
pub fn start(path: &Path, subscriptions: Subscriptions, clients_max: usize) -> io::Result<Server> {
    make_room(path)?;
    // Made under another name, so that nobody connects before the mode is set.
    let mut made = path.as_os_str().to_owned();
    made.push(format!(".{}", std::process::id()));
    let made = PathBuf::from(made);
    let listener = UnixListener::bind(&made)?;
    let ready = fs::set_permissions(&made, fs::Permissions::from_mode(MODE))
        .and_then(|()| fs::rename(&made, path))
        .and_then(|()| listener.set_nonblocking(true))
        .and_then(|()| fs::metadata(path));
    let ready = ready.inspect_err(|_| {
        let _ = fs::remove_file(&made);
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

/// Sees that what is at `path` may be replaced.
fn make_room(path: &Path) -> io::Result<()> {
    let there = match fs::symlink_metadata(path) {
        Ok(there) => there,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !there.file_type().is_socket() {
        let fault = "a file that is no socket is there; name another path";
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, fault));
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Ok(_) => Err(io::Error::new(
            io::ErrorKind::AddrInUse,
            "another program listens on it; end that one or name another path",
        )),
        Err(error) => Err(error),
    }
}

/// The file of the socket, which goes when the server does.
struct Socket {
    path: PathBuf,
    inode: u64,
}

impl Drop for Socket {
    fn drop(&mut self) {
        // It may have become another's by now.
        if fs::symlink_metadata(&self.path).is_ok_and(|there| there.ino() == self.inode) {
            let _ = fs::remove_file(&self.path);
        }
    }
}
