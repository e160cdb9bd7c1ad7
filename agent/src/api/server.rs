//! The server: an accept loop that bounds how many clients there are and how long they may dawdle.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    pin::pin,
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};

use axum::{Router, body::Body, extract::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use nix::sys::socket::{setsockopt, sockopt::TcpUserTimeout};
use tokio::{
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch},
    task::JoinSet,
};
use tower::Service as _;

use super::{Api, ApiCounters, auth::Peer, router};
use crate::error::{AppError, ErrorKind};

/// How much of the server a client may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at a time; one more is closed at once.
    pub connections: usize,
    /// Time for a request's header, and between requests.
    pub header: Duration,
    /// Time for a request and its answer.
    pub request: Duration,
    /// Time for open requests to end when the server stops.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 256,
            header: Duration::from_secs(10),
            request: Duration::from_secs(10),
            drain: Duration::from_secs(5),
        }
    }
}

/// Largest request header.
const HEADER_BYTES: usize = 64 << 10;
/// A client that does not read its answer for so long is cut off by the kernel.
const WRITE_STALL_MS: u32 = 30_000;

/// Takes the port. In `:0` the kernel chooses it.
///
/// # Errors
///
/// Names the port and what to do when another process has it.
pub fn bind(address: SocketAddr) -> Result<TcpListener, AppError> {
    let port = address.port();
    TcpListener::bind(address).map_err(|e| match e.kind() {
        io::ErrorKind::AddrInUse => AppError::unavailable(format_args!(
            "port {port} is in use on {}; see who has it with ss -ltnp 'sport = :{port}', or choose another with --api ADDRESS:PORT",
            address.ip()
        )),
        io::ErrorKind::AddrNotAvailable => AppError::unavailable(format_args!(
            "this machine has no address {}; choose another with --api ADDRESS:PORT",
            address.ip()
        )),
        _ => AppError::io(
            ErrorKind::Unavailable,
            format_args!("cannot listen on {address} (choose another with --api ADDRESS:PORT)"),
            &e,
        ),
    })
}

/// A running server on its own thread. Dropping it stops it.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts to answer.
    ///
    /// # Errors
    ///
    /// When the system refuses a thread or an event queue.
    pub fn start(listener: TcpListener, api: Api, limits: Limits) -> Result<Self, AppError> {
        let failed =
            |e: io::Error| AppError::failure(format_args!("cannot start the API server: {e}"));
        let address = listener.local_addr().map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(failed)?;
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(listener).map_err(failed)?
        };
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("api".to_owned())
            .spawn(move || runtime.block_on(accept(listener, api, limits, stopped)))
            .map_err(failed)?;
        Ok(Self {
            address,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more connections, lets open requests end, and returns when they have.
    pub fn stop(mut self) {
        self.finish();
    }

    fn finish(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the API server's thread panicked");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.finish();
    }
}

async fn accept(
    listener: tokio::net::TcpListener,
    api: Api,
    limits: Limits,
    mut stopped: oneshot::Receiver<()>,
) {
    let router = router(&api, limits);
    let slots = Arc::new(Semaphore::new(limits.connections));
    let (closing, closed) = watch::channel(false);
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            _ = &mut stopped => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let Ok(slot) = Arc::clone(&slots).try_acquire_owned() else {
                    ApiCounters::count(&api.counters().connections_refused);
                    continue;
                };
                ApiCounters::count(&api.counters().connections);
                let connection = serve(stream, peer, router.clone(), limits, closed.clone(), slot);
                connections.spawn(connection);
            }
            Err(e) => {
                // Usually no file descriptors are left: wait for some to be closed.
                tracing::warn!(error = %e, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(listener);
    api.streams().close();
    // Fails only if nobody listens.
    let _ = closing.send(true);
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(limits.drain, drained).await.is_err() {
        tracing::warn!("cutting off requests that did not end in time");
    }
}

async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    limits: Limits,
    mut closed: watch::Receiver<bool>,
    _slot: OwnedSemaphorePermit,
) {
    if let Err(e) = setsockopt(&stream, TcpUserTimeout, &WRITE_STALL_MS) {
        tracing::debug!(error = %e, "cannot bound how long a client may stall");
    }
    // An answer is small: do not wait to fill a segment.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        router.clone().call(request.map(Body::new))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header)
        .max_buf_size(HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        _ = closed.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(e) = result {
        tracing::debug!(%peer, error = %e, "connection ended");
    }
}
