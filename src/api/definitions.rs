//! Values of image properties against what the catalogue of metadata definitions says of them, where the operator wants
//! that (`validate_image_properties`). The reference never does it.

use hyper::header::HeaderValue;
use serde_json::Value;

use crate::api::attributes::{python, quoted, violation};
use crate::api::ctx::Call;
use crate::api::reply::Reply;
use crate::catalogue::image_properties::{Form, Wanted};
use crate::config::Validation;
use crate::error::{Error, Result};
use crate::model::image::Image;

/// What names a property that does not fit, in an answer.
const WARNING: &str = "x-glint-property-warning";
/// The most of these in an answer.
const WARNINGS_MAX: usize = 8;
/// The most characters of one.
const WARNING_LENGTH_MAX: usize = 500;

/// What is to be said about the properties `named` of `image`, which the caller has set.
///
/// # Errors
/// `Invalid` for the first that does not fit its definition, where that is enforced.
pub(crate) async fn check<'a>(
    call: &Call,
    image: &Image,
    named: impl Iterator<Item = &'a str> + Send,
) -> Result<Vec<String>> {
    let validation = call.app.config.validate_image_properties;
    if validation == Validation::Off {
        return Ok(Vec::new());
    }
    let definitions = call.app.image_definitions.now(&call.app.db, &call.app.clock).await?;
    let mut warnings = Vec::new();
    let mut wrong = Vec::new();
    for name in named {
        let Some(fault) = image.properties.get(name).and_then(|text| fault(name, text, definitions.get(name)?)) else {
            continue;
        };
        if validation == Validation::Enforce {
            return Err(Error::invalid(fault));
        }
        wrong.push(name);
        warnings.push(fault);
    }
    if !wrong.is_empty() {
        wrong.truncate(WARNINGS_MAX);
        tracing::warn!(image = %image.id, properties = ?wrong, "properties do not fit their definitions");
    }
    Ok(warnings)
}

/// Puts `warnings` into `reply`, as many as there is room for.
pub(crate) fn warn(reply: &mut Reply, warnings: &[String]) {
    for warning in warnings.iter().take(WARNINGS_MAX) {
        let plain = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
        let text: String = warning.chars().map(plain).take(WARNING_LENGTH_MAX).collect();
        if let Ok(value) = HeaderValue::from_str(&text) {
            reply.headers_mut().append(WARNING, value);
        }
    }
}

/// Why the value `text` of property `name` fits none of its definitions; nothing if it fits one.
fn fault(name: &str, text: &str, wanted: &[Wanted]) -> Option<String> {
    let faults: Option<Vec<String>> = wanted
        .iter()
        .map(|wanted| misfit(wanted, text).map(|why| format!("{why} (namespace {})", wanted.namespace)))
        .collect();
    let faults = faults?;
    Some(format!("Property {name} does not fit its definition: {}", faults.join("; ")))
}

/// Why the value `text` is not what is wanted.
fn misfit(wanted: &Wanted, text: &str) -> Option<String> {
    let values = match (wanted.values(text), &wanted.form) {
        (Ok(values), _) => values,
        (Err(piece), Form::One(form) | Form::List { of: form, .. }) => {
            return Some(format!("{} is not of type '{}'", quoted(piece), form.name()));
        }
    };
    let of_values = values.iter().find_map(|value| wanted.checks.iter().find_map(|check| violation(check, value)));
    of_values.or_else(|| misfit_of_list(&wanted.form, values))
}

fn misfit_of_list(form: &Form, values: Vec<Value>) -> Option<String> {
    let Form::List { least, most, unique, .. } = form else { return None };
    let count = values.len() as u64;
    let wrong = if least.is_some_and(|least| count < least) {
        "is too short"
    } else if most.is_some_and(|most| count > most) {
        "is too long"
    } else if *unique && (1..values.len()).any(|at| values[..at].contains(&values[at])) {
        "has non-unique elements"
    } else {
        return None;
    };
    Some(format!("{} {wrong}", python(&values.into())))
}
