//! `glint db` and `glance-manage db`: the schema of the database, the rows that were deleted long ago, definition files. Names, arguments,
//! texts and exit codes are the reference's: scripts of operators read them.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};

use crate::cli::config_files::{self, ConfigFiles};
use crate::cli::{data_dir, metadefs, say};
use crate::clock::Clock;
use crate::config::{Database, Records};
use crate::db::Db;
use crate::db::migrate::{CONTRACT_HEAD, EXPAND_HEAD};
use crate::db::purge::{PurgeError, Purged};

/// What `check` ends with when expansion, or contraction, is next.
const TO_EXPAND: u8 = 3;
const TO_CONTRACT: u8 = 5;

const NO_MIGRATIONS: &str = "Database is up to date. No migrations needed.";

/// Options of `glint db`.
#[derive(Debug, Args)]
pub(super) struct DbCommand {
    #[command(flatten)]
    config_files: ConfigFiles,

    /// Where a stand-alone service keeps everything [default: glint-data in the XDG state directory].
    #[arg(long, value_name = "FOLDER", global = true, conflicts_with_all = config_files::OPTIONS)]
    data_dir: Option<PathBuf>,

    #[command(subcommand)]
    action: Action,
}

/// What to do to a database.
#[derive(Clone, Debug, Subcommand)]
#[command(rename_all = "snake_case")]
pub(super) enum Action {
    /// Print the reference's revisions that the database has.
    Version,

    /// Tell what the schema lacks. Ends with 3 if `expand` is next, with 5 if `contract` is.
    Check,

    /// Bring the schema to a revision.
    Upgrade {
        /// The revision; `heads` for all.
        #[arg(long, value_name = "REVISION", default_value = "heads")]
        version: String,
    },

    /// Bring the schema to the newest revision, and add what is ours.
    Sync {
        /// Not looked at.
        #[arg(long, value_name = "REVISION", hide = true)]
        version: Option<String>,
    },

    /// Add to the schema what the newest release needs; older ones go on with it.
    Expand,

    /// Bring rows into the form that the newest release needs.
    Migrate,

    /// Take from the schema what only older releases need.
    Contract,

    /// Take away rows that were deleted long ago, all but those of images.
    Purge(Purge<30>),

    /// Take away rows of images that were deleted long ago. Their ids stay taken.
    #[command(alias = "purge-images-table")]
    PurgeImagesTable(Purge<180>),

    /// Take away everything that the reference does not know: our tables and indexes. The service makes them again.
    #[command(name = "drop-extras")]
    DropExtras {
        /// Also the users of a stand-alone service.
        #[arg(long = "with-users")]
        with_users: bool,
    },

    /// Load metadata definitions from files into the catalogue: all of them, or nothing.
    #[command(alias = "load-metadefs")]
    LoadMetadefs(metadefs::Load),

    /// Take every metadata definition out of the catalogue, and every resource type.
    #[command(alias = "unload-metadefs")]
    UnloadMetadefs,

    /// Write the catalogue of metadata definitions to files, one a namespace.
    #[command(alias = "export-metadefs")]
    ExportMetadefs(metadefs::Export),
}

/// Which rows go.
#[derive(Clone, Debug, Args)]
pub(super) struct Purge<const DAYS: u32> {
    /// How many days ago they have to be deleted.
    #[arg(long = "age_in_days", alias = "age-in-days", value_name = "DAYS", default_value_t = i64::from(DAYS))]
    #[arg(allow_hyphen_values = true)]
    age_in_days: i64,

    /// The most rows that go from a table; -1 for all.
    #[arg(
        long = "max_rows",
        alias = "max-rows",
        value_name = "ROWS",
        default_value_t = 100,
        allow_hyphen_values = true
    )]
    max_rows: i64,
}

/// Runs `glint db`.
pub(super) fn run(command: &DbCommand) -> anyhow::Result<ExitCode> {
    let sources = if command.data_dir.is_some() { None } else { command.config_files.sources() };
    let records = if let Some(sources) = sources {
        config_files::read_records(sources)?
    } else {
        let file = data_dir::database(&data_dir::located(command.data_dir.as_deref())?);
        Records { database: Database::Sqlite(file), definitions: None }
    };
    perform(&command.action, &records)
}

/// Does it; what the program ends with.
pub(super) fn perform(action: &Action, records: &Records) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let db = Db::connect(&records.database).await.context("cannot open the database")?;
        let done = act(action, &db, records.definitions.as_deref()).await;
        db.close().await;
        done
    })
}

async fn act(action: &Action, db: &Db, definitions: Option<&Path>) -> anyhow::Result<ExitCode> {
    match action {
        Action::Version => version(db).await?,
        Action::Check => return check(db).await,
        Action::Upgrade { version } => upgrade(db, version).await?,
        Action::Sync { .. } => sync(db).await?,
        Action::Expand => expand(db).await?,
        Action::Migrate => migrate(db).await?,
        Action::Contract => contract(db).await?,
        Action::Purge(which) => purge(db, which).await?,
        Action::PurgeImagesTable(which) => purge_images(db, which).await?,
        Action::DropExtras { with_users } => {
            db.drop_own(Clock::default().now(), *with_users).await?;
        }
        Action::LoadMetadefs(load) => metadefs::load(current(db).await?, load, definitions).await?,
        Action::UnloadMetadefs => metadefs::unload(current(db).await?).await?,
        Action::ExportMetadefs(export) => metadefs::export(current(db).await?, export, definitions).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The database, if its schema is the newest.
async fn current(db: &Db) -> anyhow::Result<&Db> {
    if Heads::of(db).await?.contracted() {
        return Ok(db);
    }
    bail!("the schema is not there, or not the newest: bring it there with `glint db sync`")
}

async fn version(db: &Db) -> anyhow::Result<()> {
    let heads = db.revisions().await?;
    if heads.is_empty() {
        return say(
            "Database is either not under migration control or under legacy migration control, please run \"glance-manage db \
             sync\" to place the database under alembic migration control.",
        );
    }
    heads.iter().try_for_each(say)
}

async fn check(db: &Db) -> anyhow::Result<ExitCode> {
    let heads = Heads::of(db).await?;
    let (said, code) = if heads.contracted() {
        ("Database is up to date. No upgrades needed.", 0)
    } else if heads.expanded() {
        ("Your database is not up to date. Your next step is to run `glance-manage db contract`.", TO_CONTRACT)
    } else {
        ("Your database is not up to date. Your first step is to run `glance-manage db expand`.", TO_EXPAND)
    };
    say(said)?;
    Ok(ExitCode::from(code))
}

async fn upgrade(db: &Db, version: &str) -> anyhow::Result<()> {
    match version {
        "heads" => {
            bring_to_head(db).await?;
            return say(format_args!("Upgraded database, current revision(s): {}", Heads::of(db).await?.listed()));
        }
        EXPAND_HEAD if !Heads::of(db).await?.contracted() => db.expand().await?,
        CONTRACT_HEAD => bring_to_head(db).await?,
        _ => match db.has_revision(version).await? {
            Some(true) => {}
            Some(false) => bail!("{version} is on the way only: upgrade to {EXPAND_HEAD}, {CONTRACT_HEAD} or heads"),
            None => bail!("Can't locate revision identified by '{version}'"),
        },
    }
    tell_upgraded(db, version).await
}

async fn bring_to_head(db: &Db) -> anyhow::Result<()> {
    let heads = Heads::of(db).await?;
    if heads.contracted() {
        return Ok(());
    }
    if !heads.expanded() {
        db.expand().await?;
    }
    Ok(db.contract().await?)
}

async fn sync(db: &Db) -> anyhow::Result<()> {
    if Heads::of(db).await?.contracted() {
        db.add_own().await?;
        return say(NO_MIGRATIONS);
    }
    expand(db).await?;
    migrate(db).await?;
    contract(db).await?;
    db.add_own().await?;
    say("Database is synced successfully.")
}

async fn expand(db: &Db) -> anyhow::Result<()> {
    let heads = Heads::of(db).await?;
    if heads.contracted() {
        say(NO_MIGRATIONS)
    } else if heads.expanded() {
        say("Database expansion is up to date. No expansion needed.")
    } else {
        db.expand().await?;
        tell_upgraded(db, EXPAND_HEAD).await
    }
}

/// There is nothing to do to any row: no release since Train has brought it into another form.
async fn migrate(db: &Db) -> anyhow::Result<()> {
    let heads = Heads::of(db).await?;
    if heads.contracted() {
        return say(NO_MIGRATIONS);
    }
    if !heads.expanded() {
        bail!(
            "Data migration did not run. Data migration cannot be run before database expansion. Run database expansion first \
             using \"glance-manage db expand\""
        );
    }
    say("Database migration is up to date. No migration needed.")
}

async fn contract(db: &Db) -> anyhow::Result<()> {
    let heads = Heads::of(db).await?;
    if heads.contracted() {
        return say(NO_MIGRATIONS);
    }
    if !heads.expanded() {
        bail!(
            "Database contraction did not run. Database contraction cannot be run before database expansion. Run database \
             expansion first using \"glance-manage db expand\""
        );
    }
    db.contract().await?;
    tell_upgraded(db, CONTRACT_HEAD).await
}

async fn tell_upgraded(db: &Db, version: &str) -> anyhow::Result<()> {
    say(format_args!("Upgraded database to: {version}, current revision(s): {}", Heads::of(db).await?.listed()))
}

/// The revisions that a database has.
struct Heads(Vec<String>);

impl Heads {
    async fn of(db: &Db) -> anyhow::Result<Self> {
        Ok(Self(db.revisions().await?))
    }

    fn contracted(&self) -> bool {
        self.0.iter().any(|head| head == CONTRACT_HEAD)
    }

    fn expanded(&self) -> bool {
        self.contracted() || self.0.iter().any(|head| head == EXPAND_HEAD)
    }

    fn listed(&self) -> String {
        self.0.join(", ")
    }
}

async fn purge<const DAYS: u32>(db: &Db, which: &Purge<DAYS>) -> anyhow::Result<()> {
    let (before, max_rows) = which.bounds()?;
    db.purge(before, max_rows).await.map_err(told)?.iter().try_for_each(tell)
}

async fn purge_images<const DAYS: u32>(db: &Db, which: &Purge<DAYS>) -> anyhow::Result<()> {
    let (before, max_rows) = which.bounds()?;
    tell(&db.purge_images(before, max_rows).await.map_err(told)?)
}

impl<const DAYS: u32> Purge<DAYS> {
    /// Before when a row has to be deleted to go, and how many may.
    fn bounds(&self) -> anyhow::Result<(crate::clock::Timestamp, Option<u64>)> {
        let now = Clock::default().now();
        if self.age_in_days < 0 {
            bail!("Must supply a non-negative value for age.");
        }
        let age = chrono::TimeDelta::try_days(self.age_in_days).filter(|age| age.num_seconds() < now.timestamp());
        let Some(age) = age else { bail!("Maximal age is count of days since epoch.") };
        if self.max_rows < -1 {
            bail!("Minimal rows limit is -1.");
        }
        if self.max_rows > i64::from(i32::MAX) {
            bail!("'max_rows' value out of range, must not exceed {}.", i32::MAX);
        }
        Ok((now - age, u64::try_from(self.max_rows).ok()))
    }
}

/// On standard error, as the reference: what scripts read is on the other way.
fn tell(purged: &Purged) -> anyhow::Result<()> {
    writeln!(std::io::stderr(), "Deleted {} row(s) from table {}", purged.rows, purged.table)?;
    Ok(())
}

fn told(error: PurgeError) -> anyhow::Error {
    match error {
        PurgeError::Needed(_) => anyhow::Error::new(error).context("Purge command failed"),
        PurgeError::Db(error) => error.into(),
    }
}
