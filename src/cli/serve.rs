//! `glint serve`: builds the service and runs it until it is told to stop.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::app::App;
use crate::catalogue::predefined;
use crate::cli::config_files::{self, ConfigFiles};
use crate::cli::data_dir::DataDir;
use crate::cli::{clouds, say};
use crate::clock::Clock;
use crate::config::operator::{Log, Operator};
use crate::config::{Callers, Config, Listener, TlsFiles};
use crate::http::{Certificate, Server};
use crate::work::{purge_tokens, reap};

/// Options of `glint serve`.
#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    config_files: ConfigFiles,

    /// Where a stand-alone service keeps everything [default: glint-data in the XDG state directory].
    #[arg(long, value_name = "FOLDER", conflicts_with_all = config_files::OPTIONS)]
    data_dir: Option<PathBuf>,

    /// Address and port to listen on [default: what the configuration says, or 127.0.0.1:9292].
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,

    /// Certificate chain in PEM, for HTTPS.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,

    /// Key of the certificate in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,

    /// Listen on an address that others can reach even without TLS: passwords and tokens can be read on the way.
    #[arg(long)]
    insecure_listen: bool,

    /// Believe what callers say about themselves on an address that others can reach, where the pipeline of the
    /// configuration has no authtoken: something in front has to check them.
    #[arg(long)]
    trust_callers: bool,

    /// How log lines look [default: what the configuration says, or line].
    #[arg(long, value_enum)]
    log_format: Option<LogFormat>,

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
    let sources = if options.data_dir.is_some() { None } else { options.config_files.sources() };
    let operator = sources.map(config_files::read).transpose()?;
    let log = operator.as_ref().map_or_else(Log::default, |operator| operator.log);
    let form = if log.json { LogFormat::Json } else { LogFormat::Line };
    start_log(options.log_format.unwrap_or(form), options.debug || log.debug);
    let (config, data_dir) = match operator {
        Some(operator) => (configured(options, operator)?, None),
        None => stand_alone(options)?,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(config, data_dir))
}

/// The service that the operator's files describe.
fn configured(options: &Serve, operator: Operator) -> anyhow::Result<Config> {
    for remark in &operator.remarks {
        tracing::warn!("configuration: {remark}");
    }
    let mut config = operator.config;
    listen_as_told(&mut config.listener, options);
    config.node = config.listener.node_name();
    check_exposure(
        &config.listener,
        &config.callers,
        options.insecure_listen || operator.insecure_listen,
        options.trust_callers || operator.trust_callers,
    )?;
    Ok(config)
}

/// A service with everything in a data directory.
fn stand_alone(options: &Serve) -> anyhow::Result<(Config, Option<DataDir>)> {
    let mut listener = Listener::default();
    listen_as_told(&mut listener, options);
    check_exposure(&listener, &Callers::BuiltIn, options.insecure_listen, options.trust_callers)?;
    let data_dir = DataDir::open(options.data_dir.as_deref())?;
    let config = Config { listener, ..Config::stand_alone(data_dir.text()) };
    Ok((config, Some(data_dir)))
}

/// What the command line says wins over the configuration.
fn listen_as_told(listener: &mut Listener, options: &Serve) {
    listener.address = options.listen.unwrap_or(listener.address);
    if let (Some(certificate), Some(key)) = (&options.tls_certificate, &options.tls_key) {
        listener.tls = Some(TlsFiles { certificate: certificate.clone(), key: key.clone() });
    }
}

/// Refuses to serve where others could listen in, or could say that they are somebody else.
pub(super) fn check_exposure(
    listener: &Listener,
    callers: &Callers,
    insecure: bool,
    trusting: bool,
) -> anyhow::Result<()> {
    let address = listener.address;
    if address.ip().is_loopback() {
        return Ok(());
    }
    if listener.tls.is_none() && !insecure {
        bail!(
            "{address} can be reached by others, and without TLS passwords and tokens could be read on the way: give \
             --tls-certificate and --tls-key, or --insecure-listen if something in front does the encryption"
        );
    }
    if callers.are_believed() && !trusting {
        bail!(
            "{address} can be reached by others, and the pipeline believes what callers say about themselves: give \
             --trust-callers if something in front checks them, and nobody can come past it"
        );
    }
    Ok(())
}

async fn serve(config: Config, data_dir: Option<DataDir>) -> anyhow::Result<()> {
    let stop = stop_on_signals()?;
    let listen = config.listener.address;
    let scheme = if config.listener.tls.is_some() { "https" } else { "http" };
    let app = App::open(config, Clock::default()).await.context("cannot start")?;
    let server = Server::bind(Arc::clone(&app)).await.with_context(|| format!("cannot listen on {listen}"))?;
    read_again_on_signal(server.certificate())?;
    let address = server.address()?;
    let mut places = format!("image service:  {scheme}://{address}");
    if let Some(data_dir) = &data_dir {
        let clouds = data_dir.path().join("clouds.yaml");
        if let Some(identity) = app.authority.built_in() {
            if identity.is_new().await? {
                predefined::provide(&app.db, &app.clock).await.context("cannot load the predefined definitions")?;
            }
            clouds::provide(&clouds, &format!("{scheme}://{}", clouds::reachable(address)), identity).await?;
        }
        places = announcement(data_dir.path(), &places, &clouds);
    }
    if let Err(error) = say(places) {
        tracing::warn!("nobody reads where the service is: {error}");
    }

    reap::at_start(&app).await?;
    let reaper = app.background.spawn(reap::run(Arc::clone(&app), stop.clone()));
    app.background.spawn(purge_tokens::run(Arc::clone(&app), stop.clone()));
    server.run(stop.clone()).await;

    tracing::info!("stopping");
    reaper.await?;
    app.close().await;
    Ok(())
}

/// Tells where things are and how to use them. Passwords are in `clouds.yaml`, and told nowhere else.
fn announcement(data_dir: &Path, service: &str, clouds: &Path) -> String {
    let places = format!("data directory: {}\n{service}", data_dir.display());
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

/// SIGHUP: the certificate is read again. Policy and property protection need no signal: their files are watched.
fn read_again_on_signal(certificate: Option<Certificate>) -> anyhow::Result<()> {
    let mut told = signal(SignalKind::hangup())?;
    #[expect(clippy::disallowed_methods, reason = "lives as long as the process, and holds nothing")]
    tokio::spawn(async move {
        while told.recv().await.is_some() {
            let Some(certificate) = certificate.clone() else {
                tracing::info!("SIGHUP: there is nothing to read again");
                continue;
            };
            match tokio::task::spawn_blocking(move || certificate.read_again()).await {
                Ok(Ok(())) => tracing::info!("SIGHUP: the certificate was read again"),
                Ok(Err(error)) => tracing::error!("SIGHUP: the old certificate stays: {error}"),
                Err(error) => tracing::error!("SIGHUP: reading the certificate failed: {error}"),
            }
        }
    });
    Ok(())
}

fn start_log(format: LogFormat, debug: bool) {
    let ours = if debug { LevelFilter::DEBUG } else { LevelFilter::INFO };
    let told = Targets::new().with_default(LevelFilter::WARN).with_target("glint", ours);
    let (log, lines) = (tracing_subscriber::registry().with(told), layer().with_writer(std::io::stderr));
    match format {
        LogFormat::Line => log.with(lines.compact().with_ansi(false)).init(),
        LogFormat::Json => log.with(lines.json()).init(),
    }
}
