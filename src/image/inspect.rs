//! Whether data is what its image claims to be, and safe to open: looked at on its way to the store, judged at its end.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt;

use crate::blob::Body;
use crate::config::Formats;
use crate::error::{Error, Kind, Result};
use crate::format::{Findings, Format, Found, Inspection};
use crate::model::image::Image;

/// The container whose content is the disk itself. What others hold is not looked at.
const BARE: &str = "bare";

/// Looks at what passes, if it is to be the data of `image`. The returned body is the given one; when it has ended, the
/// verdict can be asked for.
pub fn beside(body: Body, image: &Image) -> (Body, Inspected) {
    let (Some(BARE), Some(declared)) = (image.container_format.as_deref(), &image.disk_format) else {
        return (body, Inspected(None));
    };
    let inspection = Arc::new(Mutex::new(Inspection::default()));
    let inspected = Inspected(Some((declared.clone(), Arc::clone(&inspection))));
    let body = body.inspect(move |block| {
        if let Ok(block) = block {
            // A panic cannot leave it half done: it keeps bytes, and nothing else.
            inspection.lock().unwrap_or_else(PoisonError::into_inner).feed(block);
        }
    });
    (Box::pin(body), inspected)
}

/// What was looked at, and what it was to be; nothing, where nothing is looked at.
pub struct Inspected(Option<(String, Arc<Mutex<Inspection>>)>);

impl Inspected {
    /// The size of the disk inside, if the data is all right.
    ///
    /// # Errors
    /// `Unsupported` when it is not.
    pub fn verdict(self, formats: &Formats) -> Result<Option<i64>> {
        let Some((declared, inspection)) = self.0 else { return Ok(None) };
        let inspection = std::mem::take(&mut *inspection.lock().unwrap_or_else(PoisonError::into_inner));
        verdict(&inspection.finish(), &declared, formats)
    }
}

/// The size of the disk inside data that is of the format `declared`, if it is all right.
///
/// # Errors
/// `Unsupported` when it is not.
pub fn verdict(findings: &Findings, declared: &str, formats: &Formats) -> Result<Option<i64>> {
    let doubtful = |text: String| if formats.require_match { Err(refused(text)) } else { Ok(None) };
    let (found, size) = match matching(findings, declared) {
        Ok(matching) => matching,
        Err(text) => return doubtful(text),
    };
    let size = size.and_then(|size| i64::try_from(size).ok());
    if size.is_none() {
        doubtful("Image format inspection failed".to_owned())?;
    }
    let size = size.filter(|&size| size > 0);
    let Some(found) = found else { return Ok(size) };
    if !found.complete {
        return doubtful("Incomplete file cannot be safety checked".to_owned()).map(|_| size);
    }
    if let Some(reason) = unsafe_by(found, formats) {
        tracing::warn!(format = %found.format, reason, "data of an image failed safety checks");
        return Err(refused("Image failed safety checks".to_owned()));
    }
    Ok(size)
}

/// What data that should be `declared` is taken for, nothing if it is raw, and the size of the disk inside, if there is any
/// to be known; or why it is not as declared.
fn matching<'f>(findings: &'f Findings, declared: &str) -> Result<(Option<&'f Found>, Option<u64>), String> {
    let all = findings.found.as_slice();
    let one_of = |format| all.iter().find(|found| found.format == format);
    let found = match all {
        [] => None,
        [one] => Some(one),
        // An ISO that can boot as a disk has a table of partitions before it.
        [_, _]
            if one_of(Format::Gpt).is_some() && one_of(Format::Iso).is_some() && declared != Format::Raw.as_str() =>
        {
            one_of(Format::Iso)
        }
        several => {
            let names: Vec<&str> = several.iter().map(|found| found.format.as_str()).collect();
            return Err(format!("Multiple formats detected: {}", names.join(",")));
        }
    };
    let format = found.map_or(Format::Raw, |found| found.format);
    let size = if declared == Format::Raw.as_str() {
        // Whatever it is, it is used byte by byte.
        Some(findings.size)
    } else if let Some(found) = found.filter(|found| found.format.as_str() == declared) {
        found.virtual_size
    } else if found.is_none() && Format::ALL.iter().all(|known| known.as_str() != declared) {
        // Nothing can be told of such formats but that it is none of the others.
        Some(0)
    } else {
        return Err(format!("Image disk_format {declared} does not match stream data {format}"));
    };
    Ok((found, size))
}

/// What makes it unsafe to open, by its name in the log, if the operator does not put up with it.
fn unsafe_by(found: &Found, formats: &Formats) -> Option<&'static str> {
    let tolerated =
        |check: &str| found.format == Format::Gpt && formats.gpt_checks_nonfatal.iter().any(|it| it == check);
    found.violations.iter().find(|violation| !tolerated(violation.check)).map(|violation| violation.reason)
}

fn refused(text: String) -> Error {
    Error::new(Kind::Unsupported).adding(text)
}
