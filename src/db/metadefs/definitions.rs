//! What public namespaces say about the properties of one type of resource.

use serde_json::{Map, Value};

use crate::db::row::Columns;
use crate::db::{Db, DbError, Row, sql};

/// The definition of a property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// The namespace that has it.
    pub namespace: String,
    /// What the property is called on such a resource: with the namespace's prefix.
    pub property: String,
    /// Its JSON schema.
    pub schema: Map<String, Value>,
}

/// What public namespaces define for the type of resource `name`, by namespace, and `most` of it.
///
/// # Errors
/// When the database fails.
pub async fn public_for(db: &Db, name: &str, most: usize) -> Result<Vec<Definition>, DbError> {
    let select = |table: &str| {
        let text = format!(
            "SELECT metadef_namespaces.namespace, metadef_namespace_resource_types.prefix, {table}.name, \
             {table}.json_schema FROM metadef_resource_types JOIN metadef_namespace_resource_types \
             ON metadef_namespace_resource_types.resource_type_id = metadef_resource_types.id \
             JOIN metadef_namespaces ON metadef_namespaces.id = metadef_namespace_resource_types.namespace_id \
             JOIN {table} ON {table}.namespace_id = metadef_namespaces.id \
             WHERE metadef_resource_types.name = ? AND metadef_namespaces.visibility = ? \
             ORDER BY metadef_namespaces.namespace, {table}.name LIMIT ?"
        );
        sql!(text, name, "public", i64::try_from(most).unwrap_or(i64::MAX))
    };
    let mut found = Vec::new();
    for row in db.fetch_all(select("metadef_properties")).await? {
        let name: String = row.get(2)?;
        found.extend(definition(&row, &name, schema(&row)?)?);
    }
    for row in db.fetch_all(select("metadef_objects")).await? {
        for (name, schema) in schema(&row)?.as_object().into_iter().flatten() {
            found.extend(definition(&row, name, schema.clone())?);
        }
        found.truncate(most);
    }
    Ok(found)
}

/// None where the schema is no object: that defines nothing.
fn definition(row: &Row, name: &str, schema: Value) -> Result<Option<Definition>, DbError> {
    let Value::Object(schema) = schema else { return Ok(None) };
    let prefix: Option<String> = row.get(1)?;
    let property = prefix.unwrap_or_default() + name;
    Ok(Some(Definition { namespace: row.get(0)?, property, schema }))
}

fn schema(row: &Row) -> Result<Value, DbError> {
    serde_json::from_str(row.text(3)?).map_err(|error| DbError::Unreadable(error.to_string()))
}
