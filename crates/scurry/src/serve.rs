// SPDX-License-Identifier: Apache-2.0
//! Sockets and signals: binding early, serving, and stopping without cutting anybody off.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long requests under way may take to end after a stop was asked for.
const DRAIN: Duration = Duration::from_secs(20);

/// A port could not be had.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} for the {service} service: {hint}")]
pub(crate) struct BindError {
    service: &'static str,
    address: String,
    hint: String,
    #[source]
    source: io::Error,
}

/// A server that runs until it is stopped.
type Served = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

/// A socket that listens already but is not served yet.
#[derive(Debug)]
pub(crate) struct Bound {
    service: &'static str,
    socket: Socket,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener, SocketAddr),
    Unix(UnixListener, PathBuf),
}

impl Bound {
    /// Listens on `ip:port`; port 0 takes a free one. `option` is what the operator changes the port with.
    pub(crate) async fn new(
        service: &'static str,
        ip: IpAddr,
        port: u16,
        option: &str,
    ) -> Result<Self, BindError> {
        let address = SocketAddr::new(ip, port);
        let failed = |source: io::Error| {
            let hint = match source.kind() {
                io::ErrorKind::AddrInUse => format!("the port is taken, choose another with {option}"),
                io::ErrorKind::PermissionDenied => {
                    format!("this port needs privileges, choose another with {option}")
                }
                _ => format!("{source}; see {option}"),
            };
            BindError { service, address: address.to_string(), hint, source }
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { service, socket: Socket::Tcp(listener, address) })
    }

    /// Listens on a socket in the file system, for its owner and group. One that nobody listens on any more is
    /// replaced; anything else at the path stays.
    pub(crate) async fn unix(service: &'static str, path: &Path) -> Result<Self, BindError> {
        let failed = |hint: &str, source: io::Error| BindError {
            service,
            address: format!("unix:{}", path.display()),
            hint: format!("{hint}; see [DEFAULT] bind_host"),
            source,
        };
        if let Ok(found) = std::fs::symlink_metadata(path) {
            let taken = || io::Error::from(io::ErrorKind::AddrInUse);
            if !found.file_type().is_socket() {
                return Err(failed("what is there is no socket", taken()));
            }
            if UnixStream::connect(path).await.is_ok() {
                return Err(failed("somebody listens there", taken()));
            }
            std::fs::remove_file(path).map_err(|error| failed("the old socket cannot be removed", error))?;
        }
        let listener = UnixListener::bind(path).map_err(|error| failed(&error.to_string(), error))?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660))
            .map_err(|error| failed("its permissions cannot be set", error))?;
        Ok(Self { service, socket: Socket::Unix(listener, path.to_owned()) })
    }

    /// Whether only this machine reaches it.
    pub(crate) fn is_local(&self) -> bool {
        match &self.socket {
            Socket::Tcp(_, address) => address.ip().is_loopback(),
            Socket::Unix(..) => true,
        }
    }

    /// `http://…` of the socket, as a client on this machine reaches it.
    pub(crate) fn url(&self) -> String {
        let address = match &self.socket {
            Socket::Tcp(_, address) => address,
            Socket::Unix(_, path) => return format!("http+unix://{}", path.display()),
        };
        let ip = match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => "127.0.0.1".to_owned(),
            IpAddr::V6(ip) if ip.is_unspecified() => "[::1]".to_owned(),
            IpAddr::V6(ip) => format!("[{ip}]"),
            IpAddr::V4(ip) => ip.to_string(),
        };
        format!("http://{ip}:{}", address.port())
    }

    /// Serves until `stop`; the task ends when the last request has, or after [`DRAIN`].
    pub(crate) fn serve(self, router: Router, stop: CancellationToken) -> JoinHandle<()> {
        let Self { service, socket } = self;
        let stopped = stop.clone().cancelled_owned();
        let (address, served): (String, Served) = match socket {
            Socket::Tcp(listener, address) => {
                let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
                    // Small answers must not wait for more: Nagle's algorithm costs 40 ms a request here.
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%error, "cannot set TCP_NODELAY");
                    }
                });
                let app = router.into_make_service_with_connect_info::<SocketAddr>();
                let served = axum::serve(listener, app).with_graceful_shutdown(stopped);
                (address.to_string(), Box::pin(served.into_future()))
            }
            Socket::Unix(listener, path) => {
                let served = axum::serve(listener, router).with_graceful_shutdown(stopped);
                (format!("unix:{}", path.display()), Box::pin(served.into_future()))
            }
        };
        tracing::info!(service, %address, "listening");
        tokio::spawn(async move {
            let drained = async {
                stop.cancelled().await;
                tokio::time::sleep(DRAIN).await;
            };
            tokio::select! {
                ended = served => if let Err(error) = ended {
                    tracing::error!(service, %error, "server ended");
                },
                () = drained => tracing::warn!(service, "requests still under way were cut off"),
            }
        })
    }
}

/// Ends when the process is asked to stop: SIGTERM or SIGINT.
pub(crate) async fn stop_signal() -> io::Result<&'static str> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => Ok("SIGTERM"),
        _ = interrupt.recv() => Ok("SIGINT"),
    }
}
