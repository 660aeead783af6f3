// SPDX-License-Identifier: Apache-2.0
//! Sockets and signals: binding early, serving, and stopping without cutting anybody off.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long requests under way may take to end after a stop was asked for.
const DRAIN: Duration = Duration::from_secs(20);

/// A port could not be had.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} for the {service} service: {hint}")]
pub(crate) struct BindError {
    service: &'static str,
    address: SocketAddr,
    hint: String,
    #[source]
    source: io::Error,
}

/// A socket that listens already but is not served yet.
#[derive(Debug)]
pub(crate) struct Bound {
    service: &'static str,
    listener: TcpListener,
    address: SocketAddr,
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
            BindError { service, address, hint, source }
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { service, listener, address })
    }

    /// `http://…` of the socket, as a client on this machine reaches it.
    pub(crate) fn url(&self) -> String {
        let ip = match self.address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => "127.0.0.1".to_owned(),
            IpAddr::V6(ip) if ip.is_unspecified() => "[::1]".to_owned(),
            IpAddr::V6(ip) => format!("[{ip}]"),
            IpAddr::V4(ip) => ip.to_string(),
        };
        format!("http://{ip}:{}", self.address.port())
    }

    /// Serves until `stop`; the task ends when the last request has, or after [`DRAIN`].
    pub(crate) fn serve(self, router: Router, stop: CancellationToken) -> JoinHandle<()> {
        let Self { service, listener, address } = self;
        tracing::info!(service, %address, "listening");
        tokio::spawn(async move {
            let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
                // Small answers must not wait for more: Nagle's algorithm costs 40 ms a request here.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "cannot set TCP_NODELAY");
                }
            });
            let served = axum::serve(listener, router).with_graceful_shutdown(stop.clone().cancelled_owned());
            let drained = async {
                stop.cancelled().await;
                tokio::time::sleep(DRAIN).await;
            };
            tokio::select! {
                ended = served.into_future() => if let Err(error) = ended {
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
