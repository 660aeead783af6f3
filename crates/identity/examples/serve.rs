// SPDX-License-Identifier: Apache-2.0
//! Serves identity alone on 127.0.0.1: `cargo run -p scurry-identity --example serve -- PORT DATABASE ADMIN_PASSWORD`.

use scurry_identity::{Bootstrap, BootstrapEndpoint, BootstrapRegisteredLimit, Identity, IdentityConfig};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(port), Some(database), Some(admin_password)) =
        (arguments.next(), arguments.next(), arguments.next())
    else {
        return Err("usage: serve PORT DATABASE ADMIN_PASSWORD".into());
    };
    let address = format!("127.0.0.1:{port}");
    let identity = Identity::open(IdentityConfig::new(database, format!("http://{address}"))).await?;
    identity
        .bootstrap(&Bootstrap {
            admin_password,
            region: "RegionOne".into(),
            users: Vec::new(),
            endpoints: vec![BootstrapEndpoint {
                service_type: "image".into(),
                service_name: "glance".into(),
                url: "http://127.0.0.1:9292".into(),
            }],
            registered_limits: vec![BootstrapRegisteredLimit {
                service_type: "image".into(),
                resource_name: "image_size_total".into(),
                default_limit: 1000,
            }],
        })
        .await?;
    let listener = tokio::net::TcpListener::bind(&address).await?;
    axum::serve(listener, identity.router()).await?;
    Ok(())
}
