//! `/v2/images` and `/v2/images/{image_id}`: create, list, show, update, delete.

use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderValue, LOCATION};
use serde_json::{Map, Value};

use crate::api::ctx::Call;
use crate::api::patch::{self, Change, How, LocationsChange};
use crate::api::reply::{self, Reply};
use crate::api::view::{ImageView, ImagesView, href};
use crate::api::{attributes, body, definitions, ownership, page, protection};
use crate::db::images::{self, IdBy, With};
use crate::error::{Error, Kind, Result};
use crate::image::update::{self, Attribute};
use crate::image::{create as creation, delete as deletion, limits, locations};
use crate::model::image::{Image, Visibility};
use crate::policy::property::Operation;
use crate::policy::{Rule, new_image as about_to_be};

/// What no client may name when it creates an image.
const NOT_ON_CREATE: [&str; 5] = ["direct_url", "self", "file", "schema", "stores"];
/// What only the service sets.
const SET_BY_SERVICE: [&str; 6] = ["created_at", "updated_at", "status", "checksum", "size", "virtual_size"];
/// The longest name of a property, in characters.
const PROPERTY_NAME_MAX: usize = 255;

/// `GET /v2/images`.
pub(crate) async fn list(call: Call) -> Result<Reply> {
    let config = &call.app.config;
    let (filter, page) = page::wanted(&call.query, &config.api)?;
    call.allow(Rule::GetImages, &[("project_id", call.identity.project_id.as_deref())]).await?;
    let found = images::list(&call.app.db, &filter, &call.identity, &page).await?;
    let mut images = found.ok_or_else(|| {
        let marker = page.marker.as_deref().unwrap_or_default();
        Error::invalid(format!("No image found with ID {marker}"))
    })?;
    for image in &mut images {
        call.app.stores.arrange(&mut image.locations);
    }
    protection::hide(&call, &mut images).await;
    let last = page::last_of_full(&images, page.limit, |image| &image.id);
    let (first, next) = page::links("/v2/images", &call.query, last);
    let mut visible = Vec::with_capacity(images.len());
    for image in images {
        if call.allow_image(Rule::GetImage, &image).await.is_ok() {
            visible.push(image);
        }
    }
    // compat: a page whose images all were filtered away has no link to the next one.
    let next = next.filter(|_| !visible.is_empty());
    let view = ImagesView { images: &visible, config, caller: &call.identity, first, next };
    reply::json_list(StatusCode::OK, &view, visible.len())
}

/// `POST /v2/images`.
pub(crate) async fn create(mut call: Call) -> Result<Reply> {
    let given = match body::expected(&mut call).await? {
        Value::Object(given) => given,
        // compat: the reference fails with 500 on an array.
        array => return Err(attributes::mismatch("image", &attributes::not_of_type(&array, "'object'"))),
    };
    let attributes = acceptable(&given, &call)?;
    call.mutating()?;
    may_create(&call, &attributes).await?;
    refuse_set_by_service(&given)?;
    let limit = limits::for_image(&call.app, call.identity.project_id.as_deref()).await?;
    let mut image = new_image(&call, attributes)?;
    let warnings = definitions::check(&call, &image, image.properties.keys().map(String::as_str)).await?;
    let id_by = if given.contains_key("id") { IdBy::Client } else { IdBy::Chance };
    creation::create(&call.app, &image, id_by, limit.as_ref()).await?;
    protection::hide(&call, std::slice::from_mut(&mut image)).await;
    let mut created = shown(&call, StatusCode::CREATED, &image)?;
    let headers = created.headers_mut();
    let location = format!("{}{}", call.base_url(), href(&image));
    headers.insert(LOCATION, HeaderValue::from_str(&location).map_err(Error::internal)?);
    let lists = [
        ("openstack-image-import-methods", call.app.config.api.enabled_import_methods.join(",")),
        ("openstack-image-store-ids", call.app.stores.names().collect::<Vec<_>>().join(",")),
    ];
    for (name, value) in lists.into_iter().filter(|(_, value)| !value.is_empty()) {
        headers.insert(name, HeaderValue::from_str(&value).map_err(Error::internal)?);
    }
    definitions::warn(&mut created, &warnings);
    Ok(created)
}

/// `GET /v2/images/{image_id}`.
pub(crate) async fn show(call: Call) -> Result<Reply> {
    let image = find(&call).await?;
    call.allow_image(Rule::GetImage, &image).await?;
    shown(&call, StatusCode::OK, &image)
}

/// `PATCH /v2/images/{image_id}`.
pub(crate) async fn update(mut call: Call) -> Result<Reply> {
    let draft = patch::draft(call.header(CONTENT_TYPE.as_str()))?;
    let document = body::expected(&mut call).await?;
    let changes = patch::changes(document, draft, &call.app.image_schema)?;
    call.mutating()?;
    let before = find(&call).await?;
    let mut after = before.clone();
    for change in &changes {
        apply(&call, &mut after, change).await?;
    }
    let set = changes.iter().filter_map(|change| match change {
        Change::Set { attribute: Attribute::Property(name, _), .. } => Some(name.as_str()),
        _ => None,
    });
    let warnings = definitions::check(&call, &after, set).await?;
    if !changes.is_empty() {
        after = update::save(&call.app, &before, after, call.identity.project_id.as_deref()).await?;
    }
    let mut updated = shown(&call, StatusCode::OK, &after)?;
    definitions::warn(&mut updated, &warnings);
    Ok(updated)
}

/// `DELETE /v2/images/{image_id}`.
pub(crate) async fn delete(call: Call) -> Result<Reply> {
    call.mutating()?;
    let missing = || Error::not_found(format!("Failed to find image {} to delete", call.place(0)));
    let image = call.image_with(call.place(0), With::Locations).await?.ok_or_else(missing)?;
    call.allow_image(Rule::DeleteImage, &image).await?;
    deletion::delete(&call.app, &image).await?;
    Ok(reply::empty(StatusCode::NO_CONTENT))
}

/// The image that the path names.
///
/// # Errors
/// `NotFound` when the caller may not see it.
pub(crate) async fn find(call: &Call) -> Result<Image> {
    let id = call.place(0);
    let found = call.image(id).await?;
    found.ok_or_else(|| Error::not_found(format!("No image found with ID {id}")))
}

fn shown(call: &Call, status: StatusCode, image: &Image) -> Result<Reply> {
    reply::json(status, &ImageView { image, config: &call.app.config, caller: &call.identity })
}

/// What a new image is to be, each value typed, none of a name that clients may not use.
fn acceptable(given: &Map<String, Value>, call: &Call) -> Result<Vec<Attribute>> {
    if let Some(name) = NOT_ON_CREATE.iter().find(|name| given.contains_key(**name)) {
        return Err(patch::read_only(name));
    }
    let required = call.app.image_schema.properties.required();
    if let Some(name) = required.iter().find(|name| !given.contains_key(*name)) {
        // compat: the reference asks for it in every change of anything else, too.
        return Err(attributes::mismatch("image", &format!("{} is a required property", attributes::quoted(name))));
    }
    let typed = attributes::typed(given, &call.app.image_schema)?;
    for (name, attribute) in &typed {
        if !matches!(attribute, Some(Attribute::Property(..))) {
            continue;
        }
        if name.chars().count() > PROPERTY_NAME_MAX {
            return Err(Error::invalid("Custom property should not be greater than 255 characters."));
        }
        if patch::is_reserved(name) {
            return Err(Error::new(Kind::Forbidden).adding(patch::reserved_text(name)));
        }
    }
    Ok(typed.into_iter().filter_map(|(_, attribute)| attribute).collect())
}

fn new_image(call: &Call, attributes: Vec<Attribute>) -> Result<Image> {
    let mut image = creation::blank(&call.app);
    image.owner.clone_from(&call.identity.project_id);
    for attribute in attributes {
        update::set(&call.app, &mut image, attribute)?;
    }
    Ok(image)
}

fn refuse_set_by_service(given: &Map<String, Value>) -> Result<()> {
    if let Some(name) = SET_BY_SERVICE.iter().find(|name| given.contains_key(**name)) {
        return Err(patch::read_only(name));
    }
    if given.contains_key("locations") {
        return Err(Error::forbidden(patch::reserved_text("locations")));
    }
    Ok(())
}

/// Whether the caller may create an image of these attributes. compat: while it does not exist yet, rules are asked as
/// if it were private unless it says otherwise, though it becomes shared.
async fn may_create(call: &Call, attributes: &[Attribute]) -> Result<()> {
    let (mut owner, mut visibility) = (call.identity.project_id.as_deref(), Visibility::Private);
    for attribute in attributes {
        match attribute {
            Attribute::Owner(named) => owner = named.as_deref(),
            Attribute::Visibility(named) => visibility = *named,
            _ => {}
        }
    }
    let target = about_to_be(owner, visibility);
    call.allow(Rule::AddImage, &target).await.map_err(|refusal| {
        if owner == call.identity.project_id.as_deref() {
            return refusal;
        }
        let owner = owner.unwrap_or("None");
        Error::new(Kind::Forbidden).adding(format!("You are not permitted to create images owned by '{owner}'"))
    })?;
    if let Some(rule) = visibility_rule(visibility) {
        call.allow(rule, &target).await?;
    }
    ownership::of_new_image(call, owner)?;
    for attribute in attributes {
        if let Attribute::Property(name, _) = attribute {
            protection::allow(call, Operation::Create, name).await?;
        }
    }
    Ok(())
}

/// The rule that a visibility needs beside that of the change itself.
fn visibility_rule(visibility: Visibility) -> Option<Rule> {
    match visibility {
        Visibility::Public => Some(Rule::PublicizeImage),
        Visibility::Community => Some(Rule::CommunitizeImage),
        Visibility::Private | Visibility::Shared => None,
    }
}

async fn apply(call: &Call, image: &mut Image, change: &Change) -> Result<()> {
    match change {
        Change::Set { name, attribute, how } => {
            let owner_may_not = matches!(attribute, Attribute::Owner(_)) && !call.identity.is_admin;
            if owner_may_not {
                // compat: the reference forgets this for `add`.
                return Err(Error::new(Kind::Forbidden).adding("Owner can't be updated by non admin."));
            }
            if let Attribute::Visibility(visibility) = attribute
                && let Some(rule) = visibility_rule(*visibility)
            {
                call.allow(rule, &call.target_of(image)).await?;
            }
            call.allow_image(Rule::ModifyImage, image).await?;
            match how {
                How::Replace if !update::has(image, name) => return Err(update::missing(name)),
                How::AddNew if update::has(image, name) => {
                    return Err(Error::new(Kind::Conflict).adding(format!("Property {name} already present.")));
                }
                _ => {}
            }
            if let Attribute::Property(name, _) | Attribute::NoProperty(name) = attribute {
                let there = image.properties.contains_key(name);
                protection::allow(call, if there { Operation::Update } else { Operation::Create }, name).await?;
            }
            update::set(&call.app, image, attribute.clone())
        }
        Change::Remove { name } => {
            call.allow_image(Rule::ModifyImage, image).await?;
            if image.properties.contains_key(name) {
                protection::allow(call, Operation::Delete, name).await?;
            }
            update::remove(image, name)
        }
        Change::Locations(change) => change_locations(call, image, change).await,
    }
}

async fn change_locations(call: &Call, image: &mut Image, change: &LocationsChange) -> Result<()> {
    match change {
        LocationsChange::Clear => Err(Error::new(Kind::Forbidden).adding("Cannot set locations to empty list.")),
        LocationsChange::Replace(new) => {
            call.allow_image(Rule::SetImageLocation, image).await?;
            locations::replace(&call.app, image, new.clone()).await
        }
        LocationsChange::Add { at, location } => {
            call.allow_image(Rule::SetImageLocation, image).await?;
            locations::add(&call.app, image, at, location.clone()).await
        }
        LocationsChange::Remove { at } => {
            call.allow_image(Rule::DeleteImageLocation, image).await?;
            locations::take(&call.app, image, at)
        }
    }
}
