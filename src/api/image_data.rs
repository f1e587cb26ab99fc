//! `/v2/images/{image_id}/file`: the bytes, in and out.

use hyper::StatusCode;
use hyper::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderValue};

use crate::api::ctx::Call;
use crate::api::reply::{self, Outgoing, Reply};
use crate::api::{images, ownership};
use crate::blob::range::{self, Wanted};
use crate::error::{Error, Kind, Result};
use crate::image::upload::Upload;
use crate::image::{download as reading, limits, room, upload as writing};
use crate::model::image::Image;
use crate::policy::Rule;
use crate::store::ByteRange;

const OCTETS: &str = "application/octet-stream";

/// `PUT /v2/images/{image_id}/file`.
pub(crate) async fn upload(mut call: Call) -> Result<Reply> {
    octets_only(&call)?;
    let size = announced_size(&call)?;
    call.mutating()?;
    let project = call.identity.project_id.clone();
    let by_limits = limits::for_upload(&call.app, project.as_deref(), size).await?;
    let store = call.header("x-image-meta-store").map(str::to_owned);
    call.app.stores.for_new_data(store.as_deref())?;
    let image = images::find(&call).await?;
    call.allow_by_rule(Rule::UploadImage, &image).await?;
    ownership::of_image(&call, Rule::UploadImage, &image)
        .map_err(|_| Error::forbidden(format!("Not allowed to upload image data for image {}", image.id)))?;
    let bytes = call.body.take();
    let allowance = by_limits.or_else(|| room::allowance(&call.app, project.as_deref()));
    writing::upload(&call.app, &image, Upload { bytes, size, store, allowance }).await?;
    Ok(reply::empty(StatusCode::NO_CONTENT))
}

/// `GET /v2/images/{image_id}/file`.
pub(crate) async fn download(call: Call) -> Result<Reply> {
    let mut image = images::find(&call).await?;
    reading::in_service(&image, &call.identity)?;
    call.allow_image(Rule::DownloadImage, &image).await?;
    prefer(&call, &mut image).await?;
    let size = match image.size.map(u64::try_from) {
        Some(Ok(size)) if !image.locations.is_empty() => size,
        _ => return Err(Error::new(Kind::NoContent)),
    };
    let wanted = range::wanted(call.header("range"), call.header("content-range"), size)?;
    let (status, part, length) = match wanted {
        Wanted::Whole => (StatusCode::OK, None, size),
        Wanted::Part(part) => (StatusCode::PARTIAL_CONTENT, Some(part), part.length),
    };
    let range = part.map(|part| ByteRange { start: part.start, length: part.length });
    let bytes = reading::download(&call.app, &image, size, range).await?;
    let mut sent = reply::with_type(status, OCTETS, Outgoing::Stream(bytes, Some(length)));
    let headers = sent.headers_mut();
    if let Some(part) = part {
        let text = format!("bytes {}-{}/{size}", part.start, part.last());
        headers.insert(CONTENT_RANGE, HeaderValue::from_str(&text).map_err(Error::internal)?);
    }
    if let Some(checksum) = &image.checksum {
        // compat: hex, not base64, and of the whole image also for a part.
        headers.insert("content-md5", HeaderValue::from_str(checksum).map_err(Error::internal)?);
    }
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    Ok(sent)
}

/// Puts the locations in the stores that the client prefers before all others.
async fn prefer(call: &Call, image: &mut Image) -> Result<()> {
    let named = call.query.get("prefer").unwrap_or("").split(',').map(str::trim).filter(|name| !name.is_empty());
    let preferred: Vec<&str> = named.collect();
    if preferred.is_empty() {
        return Ok(());
    }
    call.allow_image(Rule::DownloadFromStore, image).await?;
    let stores = &call.app.config.stores;
    if !stores.multi {
        let text = "Store selection for download is not available when multiple backends are not enabled.";
        return Err(Error::invalid(text));
    }
    if let Some(unknown) = preferred.iter().find(|name| !stores.enabled.iter().any(|store| store.id == **name)) {
        return Err(Error::invalid(format!("Store '{unknown}' is not configured.")));
    }
    image.locations.sort_by_key(|location| !location.store().is_some_and(|store| preferred.contains(&store)));
    Ok(())
}

fn octets_only(call: &Call) -> Result<()> {
    let given = call.header(CONTENT_TYPE.as_str());
    let plain = given.map(|value| value.split(';').next().unwrap_or("").trim());
    if plain == Some(OCTETS) {
        return Ok(());
    }
    Err(Error::new(Kind::Unsupported).adding(format!("Invalid content type {}", plain.unwrap_or("None"))))
}

/// The size that the uploader announces: in its own header, else that of the body.
fn announced_size(call: &Call) -> Result<Option<i64>> {
    let invalid = || Error::invalid("Invalid or missing image size in request headers.");
    match call.header("x-openstack-image-size") {
        Some(text) => text.trim().parse().map(Some).map_err(|_| invalid()),
        None => match call.body.declared {
            None | Some(0) => Ok(None),
            Some(length) => i64::try_from(length).map(Some).map_err(|_| invalid()),
        },
    }
}
