//! JSON bodies: read whole, within a bound, into a value.

use futures_util::StreamExt;
use serde_json::Value;

use crate::api::ctx::Call;
use crate::error::{Error, Result};

/// The longest JSON body, in bytes. The largest legal one, an image with 128 properties of 64 KiB each, fits.
const JSON_BODY_MAX: usize = 10 << 20;

/// The most values in a JSON body. Read, each takes seventy bytes, however short it is: a longest body of nothing but
/// brackets would take half a gibibyte. A patch with the most operations has less than half of this.
const VALUES_MAX: usize = 100_000;

/// The JSON that the client sent: an object or an array. None when it sent nothing.
pub(crate) async fn json(call: &mut Call) -> Result<Option<Value>> {
    json_within(call, JSON_BODY_MAX).await
}

/// The same, with at most `longest` bytes.
pub(crate) async fn json_within(call: &mut Call, longest: usize) -> Result<Option<Value>> {
    if !call.has_body() {
        return Ok(None);
    }
    // Where the length is known, a buffer that grows need not stand beside a larger one.
    let declared = call.body.declared.and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    let mut text = Vec::with_capacity(if declared > longest { 0 } else { declared });
    let mut body = call.body.take();
    while let Some(block) = body.next().await {
        let block = block.map_err(|_| Error::invalid("The request body ended early."))?;
        if text.len() + block.len() > longest {
            return Err(Error::too_large(format!("A JSON body may have {longest} bytes at the most.")));
        }
        text.extend_from_slice(&block);
    }
    if values_at_most(&text) > VALUES_MAX {
        return Err(Error::too_large(format!("A JSON body may have {VALUES_MAX} values at the most.")));
    }
    match serde_json::from_slice(&text) {
        Ok(value @ (Value::Object(_) | Value::Array(_))) => Ok(Some(value)),
        Ok(_) => Err(Error::invalid("Unexpected body type. Expected list/dict.")),
        Err(_) => Err(Error::invalid("Malformed JSON in request body.")),
    }
}

/// A bound of how many values `json` has, were it well formed: one behind each bracket and each comma that is in no text.
fn values_at_most(json: &[u8]) -> usize {
    let (mut values, mut in_text, mut escaped) = (1, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' | b',' if !in_text => values += 1,
            _ => {}
        }
    }
    values
}

/// The JSON that the client sent, which it must.
pub(crate) async fn expected(call: &mut Call) -> Result<Value> {
    json(call).await?.ok_or_else(|| Error::invalid("Body expected in request."))
}
