//! `glint serve`: builds the service and runs it until it is told to stop.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::cli::data_dir::DataDir;
use crate::cli::{clouds, say};
use crate::clock::Clock;
use crate::config::{Config, Listener, TlsFiles};
use crate::http::Server;
use crate::work::{purge_tokens, reap, reload_policy};

/// Options of `glint serve`.
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Where everything is kept [default: glint-data in the XDG state directory].
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,

    /// Address and port to listen on.
    #[arg(long, value_name = "ADDRESS:PORT", default_value_t = Listener::default().address)]
    listen: SocketAddr,

    /// Certificate chain in PEM, for HTTPS.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,

    /// Key of the certificate in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,

    /// Listen on an address that others can reach even without TLS: passwords and tokens can be read on the way.
    #[arg(long)]
    insecure_listen: bool,

    /// How log lines look.
    #[arg(long, value_enum, default_value_t = LogFormat::Line)]
    log_format: LogFormat,

    /// Log in detail.
    #[arg(long)]
    debug: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// For people.
    Line,
    /// For machines.
    Json,
}

pub(super) fn run(options: &Serve) -> anyhow::Result<()> {
    start_log(options.log_format, options.debug);
    if !options.listen.ip().is_loopback() && options.tls_certificate.is_none() && !options.insecure_listen {
        bail!(
            "{} can be reached by others, and without TLS passwords and tokens could be read on the way: give \
             --tls-certificate and --tls-key, or --insecure-listen if something in front does the encryption",
            options.listen
        );
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(options))
}

async fn serve(options: &Serve) -> anyhow::Result<()> {
    let stop = stop_on_signals()?;
    let data_dir = DataDir::open(options.data_dir.as_deref())?;
    let mut config = Config::stand_alone(data_dir.text());
    config.listener.address = options.listen;
    config.listener.tls = match (&options.tls_certificate, &options.tls_key) {
        (Some(certificate), Some(key)) => Some(TlsFiles { certificate: certificate.clone(), key: key.clone() }),
        _ => None,
    };
    let scheme = if config.listener.tls.is_some() { "https" } else { "http" };
    let app = App::open(config, Clock::default()).await.context("cannot start")?;
    let server =
        Server::bind(Arc::clone(&app)).await.with_context(|| format!("cannot listen on {}", options.listen))?;
    let address = server.address()?;
    let clouds = data_dir.path().join("clouds.yaml");
    if let Some(identity) = app.authority.built_in() {
        clouds::provide(&clouds, &format!("{scheme}://{}", clouds::reachable(address)), identity).await?;
    }
    if let Err(error) = say(announcement(data_dir.path(), &format!("{scheme}://{address}"), &clouds)) {
        tracing::warn!("nobody reads where the service is: {error}");
    }

    reap::at_start(&app).await?;
    let reaper = app.background.spawn(reap::run(Arc::clone(&app), stop.clone()));
    app.background.spawn(purge_tokens::run(Arc::clone(&app), stop.clone()));
    app.background.spawn(reload_policy::run(Arc::clone(&app), stop.clone()));
    server.run(stop.clone()).await;

    tracing::info!("stopping");
    reaper.await?;
    app.close().await;
    Ok(())
}

/// Tells where things are and how to use them. Passwords are in `clouds.yaml`, and told nowhere else.
fn announcement(data_dir: &Path, url: &str, clouds: &Path) -> String {
    let places = format!("data directory: {}\nimage service:  {url}", data_dir.display());
    if !clouds.exists() {
        return places;
    }
    let file = clouds.display();
    format!(
        "{places}\nto use it with the openstack command:\n  export OS_CLIENT_CONFIG_FILE={file}\n  export OS_CLOUD=glint"
    )
}

fn stop_on_signals() -> anyhow::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let told = stop.clone();
    #[expect(clippy::disallowed_methods, reason = "lives as long as the process, and holds nothing")]
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        told.cancel();
    });
    Ok(stop)
}

fn start_log(format: LogFormat, debug: bool) {
    let level = if debug { "glint=debug,warn" } else { "glint=info,warn" };
    let log = tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter(level);
    match format {
        LogFormat::Line => log.compact().with_ansi(false).init(),
        LogFormat::Json => log.json().init(),
    }
}
