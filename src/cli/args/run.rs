//! What can be typed to run a gateway, and to try one.

use std::net::SocketAddr;

use clap::Args;

/// `init`
#[derive(Args, Debug)]
pub struct Init {
    /// Where the protected service is
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:3000")]
    pub upstream: String,
    /// The first administrator, whose password is printed once
    #[arg(long, value_name = "NAME", default_value = "admin")]
    pub administrator: String,
}

/// `demo`
#[derive(Args, Debug)]
pub struct Demo {
    /// Where clients come in [default: 127.0.0.1:8080, or any port if that is taken]
    #[arg(long, value_name = "ADDR")]
    pub public: Option<SocketAddr>,
    /// Where pages, the REST API, metrics and health are answered [default: 127.0.0.1:8081, or any port]
    #[arg(long, value_name = "ADDR")]
    pub admin: Option<SocketAddr>,
}

/// `serve`
#[derive(Args, Debug)]
pub struct Serve {
    /// Protect this service with one rule: any valid token, every path. No file is read
    #[arg(long, value_name = "URL", conflicts_with = "config")]
    pub upstream: Option<String>,
    /// Where clients come in, instead of the configured address
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// Where pages, the REST API, metrics and health are answered, instead of the configured address
    #[arg(long, value_name = "ADDR")]
    pub admin: Option<SocketAddr>,
    /// Take the place of the gateway that runs on the same folder, without losing a request; SIGUSR2 makes a gateway
    /// start one that does
    #[arg(long)]
    pub take_over: bool,
}
