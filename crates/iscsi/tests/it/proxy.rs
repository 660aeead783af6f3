// SPDX-License-Identifier: Apache-2.0
//! A TCP proxy that can be cut: what is open breaks, and what is new is refused, until it is mended.

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

pub(crate) struct Proxy {
    pub(crate) port: u16,
    open: Arc<watch::Sender<bool>>,
}

impl Proxy {
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let here = listener.local_addr().unwrap().port();
        let open = Arc::new(watch::Sender::new(true));
        let state = Arc::clone(&open);
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let mut state = state.subscribe();
                if *state.borrow() {
                    tokio::spawn(async move {
                        let cut = async { state.wait_for(|open| !open).await.map(drop) };
                        tokio::select! {
                            _ = pass(client, port) => {}
                            _ = cut => {}
                        }
                    });
                }
            }
        });
        Self { port: here, open }
    }

    pub(crate) fn cut(&self) {
        self.open.send_replace(false);
    }

    pub(crate) fn mend(&self) {
        self.open.send_replace(true);
    }
}

async fn pass(mut client: TcpStream, port: u16) -> std::io::Result<()> {
    let mut server = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}
