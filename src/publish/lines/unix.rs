//! JSON lines on a Unix socket, for the user and group of the daemon.

use std::cell::{Cell, RefCell};
use std::fs::{self, File};
use std::io;
use std::net::IpAddr;
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UnixListener as AsyncListener;

use crate::publish::control::Control;
use crate::publish::fanout::Subscriptions;
use crate::publish::lines::{Door, Listener, serve};
use crate::publish::places::Places;
use crate::publish::server::Server;

/// Permissions of the socket: user and group may connect.
const MODE: u32 = 0o660;
/// Time between checks whether the socket's file is still there.
const CHECK_EVERY: Duration = Duration::from_secs(2);
/// Bytes of a socket's path that a client can connect to: the system's, less the final zero.
const PATH_BYTES_MAX: usize =
    size_of::<libc::sockaddr_un>() - 1 - std::mem::offset_of!(libc::sockaddr_un, sun_path);
/// Open files of this process, as folders: a way to paths that are too long for a socket's address.
const OWN_FILES: &str = "/proc/self/fd";

/// Listens on `path` and hands requests to `control`. A socket that no program listens on any more is replaced.
///
/// # Errors
///
/// `AddrInUse` if another program listens on the socket, `AlreadyExists` if the path is not a socket; otherwise what
/// the system reports.
pub fn start(
    path: &Path,
    subscriptions: Subscriptions,
    places: Arc<Places>,
    control: Control,
) -> io::Result<Server> {
    let (listener, inode) = bind(path)?;
    let socket = Socket {
        path: path.into(),
        inode: Cell::new(inode),
    };
    Server::start("unix", move || async move {
        let listener = Lasting {
            listener: RefCell::new(AsyncListener::from_std(listener)?),
            socket,
            failing: Cell::new(false),
        };
        serve(listener, subscriptions, places, Door::Open(control)).await;
        Ok(())
    })
}

/// A listener whose socket is made again when its file is deleted or replaced. Clients that are connected stay.
struct Lasting {
    listener: RefCell<AsyncListener>,
    socket: Socket,
    failing: Cell<bool>,
}

impl Listener for Lasting {
    type Stream = tokio::net::UnixStream;

    async fn accept(&self) -> io::Result<(Self::Stream, Option<IpAddr>)> {
        loop {
            let accepting =
                std::future::poll_fn(|context| self.listener.borrow().poll_accept(context));
            match tokio::time::timeout(CHECK_EVERY, accepting).await {
                Ok(accepted) => return accepted.map(|(stream, _)| (stream, None)),
                Err(_) => self.check_file(),
            }
        }
    }
}

impl Lasting {
    fn check_file(&self) {
        let path = &self.socket.path;
        if fs::symlink_metadata(path).is_ok_and(|there| there.ino() == self.socket.inode.get()) {
            self.failing.set(false);
            return;
        }
        let made = bind(path)
            .and_then(|(listener, inode)| Ok((AsyncListener::from_std(listener)?, inode)));
        let failed = made.is_err();
        let failed_before = self.failing.replace(failed);
        match made {
            Ok((listener, inode)) => {
                tracing::warn!(
                    "{}: the socket was deleted or replaced, and is made again",
                    path.display()
                );
                self.listener.replace(listener);
                self.socket.inode.set(inode);
            }
            Err(error) if !failed_before => tracing::warn!(
                "{}: the socket was deleted or replaced, and cannot be made again yet: {error}",
                path.display()
            ),
            Err(_) => {}
        }
    }
}

/// The listener, and the inode of its file.
fn bind(path: &Path) -> io::Result<(UnixListener, u64)> {
    let bytes = path.as_os_str().as_bytes().len();
    if bytes > PATH_BYTES_MAX {
        let problem =
            format!("a socket's path has at most {PATH_BYTES_MAX} bytes, and this one {bytes}");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, problem));
    }
    make_room(path)?;
    // Created under another name, so that nobody connects before the permissions are set.
    let folder = match path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        Some(folder) => folder,
        None => Path::new("."),
    };
    let opened = File::open(folder)?;
    let place = match Path::new(OWN_FILES).is_dir() {
        true => Path::new(OWN_FILES).join(opened.as_raw_fd().to_string()),
        false => folder.to_owned(),
    };
    let temporary = place.join(format!(".vocald-{}", std::process::id()));
    let listener = UnixListener::bind(&temporary)?;
    let ready = fs::set_permissions(&temporary, fs::Permissions::from_mode(MODE))
        .and_then(|()| fs::rename(&temporary, path))
        .and_then(|()| listener.set_nonblocking(true))
        .and_then(|()| fs::metadata(path));
    let ready = ready.inspect_err(|_| {
        let _ = fs::remove_file(&temporary);
    })?;
    Ok((listener, ready.ino()))
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
    inode: Cell<u64>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Another program may have replaced it.
        if fs::symlink_metadata(&self.path).is_ok_and(|there| there.ino() == self.inode.get()) {
            let _ = fs::remove_file(&self.path);
        }
    }
}
