//! The definitions that are built in: what a stand-alone service begins with, and what is loaded where no files are named.

use crate::catalogue::file;
use crate::clock::{Clock, Timestamp};
use crate::db::Db;
use crate::db::metadefs::loading::{self, Existing};
use crate::error::{Error, Result};
use crate::model::metadef::{Contents, Namespace};

macro_rules! definitions {
    ($name:literal) => {
        ($name, include_str!(concat!("../../metadefs/", $name)))
    };
}

/// The files of `metadefs/`, each with its name.
const FILES: &[(&str, &str)] = &[
    definitions!("cim-processor-allocation-setting-data.json"),
    definitions!("cim-resource-allocation-setting-data.json"),
    definitions!("cim-storage-allocation-setting-data.json"),
    definitions!("cim-virtual-system-setting-data.json"),
    definitions!("compute-aggr-disk-filter.json"),
    definitions!("compute-aggr-iops-filter.json"),
    definitions!("compute-aggr-num-instances.json"),
    definitions!("compute-cpu-mode.json"),
    definitions!("compute-cpu-pinning.json"),
    definitions!("compute-guest-memory-backing.json"),
    definitions!("compute-guest-shutdown.json"),
    definitions!("compute-host-capabilities.json"),
    definitions!("compute-hypervisor.json"),
    definitions!("compute-instance-data.json"),
    definitions!("compute-libvirt-image.json"),
    definitions!("compute-libvirt.json"),
    definitions!("compute-quota.json"),
    definitions!("compute-randomgen.json"),
    definitions!("compute-vcputopology.json"),
    definitions!("compute-vmware-flavor.json"),
    definitions!("compute-vmware-quota-flavor.json"),
    definitions!("compute-vmware.json"),
    definitions!("compute-vtpm-hw.json"),
    definitions!("compute-vtpm.json"),
    definitions!("compute-watchdog.json"),
    definitions!("compute-xenapi.json"),
    definitions!("glance-common-image-props.json"),
    definitions!("image-signature-verification.json"),
    definitions!("operating-system.json"),
    definitions!("software-databases.json"),
    definitions!("software-runtimes.json"),
    definitions!("software-webservers.json"),
    definitions!("storage-volume-type.json"),
];

/// Every namespace that is built in, as one that is made `now`.
///
/// # Errors
/// What is wrong with one of them: a defect of ours.
pub fn definitions(now: Timestamp) -> Result<Vec<(Namespace, Contents)>, String> {
    FILES.iter().map(|(name, text)| file::parse(text, now).map_err(|why| format!("{name}: {why}"))).collect()
}

/// Loads them into the catalogue of a new service. What is there already stays: a first start that was cut off begins again.
///
/// # Errors
/// When the database fails.
pub async fn provide(db: &Db, clock: &Clock) -> Result<()> {
    let now = clock.now();
    let definitions = definitions(now).map_err(Error::internal)?;
    loading::load(db, &definitions, Existing::Kept, now).await?;
    Ok(())
}

#[cfg(test)]
mod tests;
