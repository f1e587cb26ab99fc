//! Namespaces by the dozen, as files bring them: each load, and taking all of them out, is one transaction of few trips.

use std::collections::{HashMap, HashSet};

use crate::clock::Timestamp;
use crate::db::metadefs::contents::{self, Content};
use crate::db::metadefs::{namespaces, resource_types};
use crate::db::sql::any_of;
use crate::db::{Db, DbError, Row, Sql, Tx, sql};
use crate::model::metadef::{Contents, Namespace, Object, Property, Tag};

/// What becomes of a namespace that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It stays as it is.
    Kept,
    /// It gets what it lacks.
    Completed,
    /// It gets what it lacks, and what it has takes the new form.
    Renewed,
    /// It is taken out first.
    Replaced,
}

/// What became of the namespaces, by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Those that were written.
    pub written: Vec<String>,
    /// Those that were there and stay as they are.
    pub kept: Vec<String>,
}

/// Writes `new`, whose names are different: all of it, or nothing.
///
/// # Errors
/// When the database fails.
pub async fn load(
    db: &Db,
    new: &[(Namespace, Contents)],
    existing: Existing,
    now: Timestamp,
) -> Result<Loaded, DbError> {
    db.write(|tx| async move {
        let load = Load { tx: &tx, existing, now };
        let known = load.namespace_ids(new).await?;
        let is_kept = |namespace: &Namespace| existing == Existing::Kept && known.contains_key(&namespace.namespace);
        let (kept, wanted): (Vec<_>, Vec<_>) = new.iter().partition(|(namespace, _)| is_kept(namespace));
        load.namespaces(&wanted, &known).await?;
        let ids = load.namespace_ids(new).await?;
        let wholes: Vec<Whole<'_>> = wanted
            .iter()
            .filter_map(|(namespace, contents)| Some((*ids.get(&namespace.namespace)?, contents)))
            .collect();
        load.associations(&wholes).await?;
        load.contents(&wholes, |contents| contents.properties.as_slice()).await?;
        load.contents(&wholes, |contents| contents.objects.as_slice()).await?;
        load.contents(&wholes, |contents| contents.tags.as_slice()).await?;
        let names =
            |of: &[&(Namespace, Contents)]| of.iter().map(|(namespace, _)| namespace.namespace.clone()).collect();
        Ok(Loaded { written: names(&wanted), kept: names(&kept) })
    })
    .await
}

/// Takes every definition out, and every type of resource.
///
/// # Errors
/// When the database fails.
pub async fn unload(db: &Db) -> Result<(), DbError> {
    let tables = [
        Property::TABLE,
        Object::TABLE,
        Tag::TABLE,
        "metadef_namespace_resource_types",
        "metadef_namespaces",
        "metadef_resource_types",
    ];
    db.write(|tx| async move {
        let batch = tables.map(|table| Sql::new(format!("DELETE FROM {table}")));
        tx.execute_batch(batch.into()).await.map(drop)
    })
    .await
}

/// A load under way.
struct Load<'a> {
    tx: &'a Tx,
    existing: Existing,
    now: Timestamp,
}

/// What is to be in a namespace, with the id of its row.
type Whole<'a> = (i64, &'a Contents);

impl Load<'_> {
    /// The ids of those of these namespaces that are there.
    async fn namespace_ids(&self, of: &[(Namespace, Contents)]) -> Result<HashMap<String, i64>, DbError> {
        let names = of.iter().map(|(namespace, _)| namespace.namespace.as_str()).collect();
        self.ids("metadef_namespaces", "namespace", names).await
    }

    /// Writes the rows of the namespaces themselves.
    async fn namespaces(&self, wanted: &[&(Namespace, Contents)], known: &HashMap<String, i64>) -> Result<(), DbError> {
        let mut batch = Vec::new();
        for (namespace, _) in wanted {
            match (known.get(&namespace.namespace), self.existing) {
                (None, _) => batch.push(namespaces::insertion(namespace)),
                (Some(id), Existing::Replaced) => {
                    batch.extend(namespaces::deletions(*id));
                    batch.push(namespaces::insertion(namespace));
                }
                (Some(id), Existing::Renewed) => batch.push(namespaces::change(*id, namespace, self.now)),
                (Some(_), Existing::Kept | Existing::Completed) => {}
            }
        }
        self.tx.execute_batch(batch).await.map(drop)
    }

    /// Writes which types of resources the namespaces are for, and the types.
    async fn associations(&self, wholes: &[Whole<'_>]) -> Result<(), DbError> {
        let types = self.resource_types(wholes).await?;
        let mut there = HashSet::new();
        for row in
            self.in_namespaces("namespace_id, resource_type_id", "metadef_namespace_resource_types", wholes).await?
        {
            there.insert((row.get::<i64>(0)?, row.get::<i64>(1)?));
        }
        let mut batch = Vec::new();
        for (namespace_id, contents) in wholes {
            for association in &contents.associations {
                let Some(type_id) = types.get(&association.name) else { continue };
                if there.insert((*namespace_id, *type_id)) {
                    batch.push(resource_types::insertion(*namespace_id, *type_id, association, self.now, None));
                } else if self.existing == Existing::Renewed {
                    batch.push(sql!(
                        "UPDATE metadef_namespace_resource_types SET properties_target = ?, prefix = ?, updated_at = ? \
                         WHERE namespace_id = ? AND resource_type_id = ?",
                        association.properties_target.as_ref(),
                        association.prefix.as_ref(),
                        self.now,
                        *namespace_id,
                        *type_id
                    ));
                }
            }
        }
        self.tx.execute_batch(batch).await.map(drop)
    }

    /// The ids of all types of resources that are named, which are made as they are missing.
    async fn resource_types(&self, wholes: &[Whole<'_>]) -> Result<HashMap<String, i64>, DbError> {
        let associations = wholes.iter().flat_map(|(_, contents)| &contents.associations);
        let mut names: Vec<&str> = associations.map(|association| association.name.as_str()).collect();
        let mut seen = HashSet::new();
        names.retain(|name| seen.insert(*name));
        let known = self.ids("metadef_resource_types", "name", names.clone()).await?;
        let mut batch = Vec::new();
        for name in &names {
            match known.get(*name) {
                None => batch.push(sql!(
                    "INSERT INTO metadef_resource_types (name, protected, created_at) VALUES (?, ?, ?)",
                    *name,
                    true,
                    self.now
                )),
                Some(id) if self.existing == Existing::Renewed => {
                    batch.push(sql!("UPDATE metadef_resource_types SET updated_at = ? WHERE id = ?", self.now, *id));
                }
                Some(_) => {}
            }
        }
        self.tx.execute_batch(batch).await?;
        self.ids("metadef_resource_types", "name", names).await
    }

    /// Writes everything of one kind.
    async fn contents<C: Content>(&self, wholes: &[Whole<'_>], of: fn(&Contents) -> &[C]) -> Result<(), DbError> {
        let mut there = HashMap::new();
        for row in self.in_namespaces("id, namespace_id, name", C::TABLE, wholes).await? {
            there.insert((row.get::<i64>(1)?, row.get::<String>(2)?), row.get::<i64>(0)?);
        }
        let mut batch = Vec::new();
        for (namespace_id, contents) in wholes {
            for content in of(contents) {
                match there.get(&(*namespace_id, content.name().to_owned())) {
                    None => batch.push(contents::insertion(*namespace_id, content, self.now, None)),
                    Some(id) if self.existing == Existing::Renewed => {
                        batch.push(contents::change(*id, content, self.now));
                    }
                    Some(_) => {}
                }
            }
        }
        self.tx.execute_batch(batch).await.map(drop)
    }

    /// The rows of `table` that belong to these namespaces.
    async fn in_namespaces(&self, columns: &str, table: &str, wholes: &[Whole<'_>]) -> Result<Vec<Row>, DbError> {
        if wholes.is_empty() {
            return Ok(Vec::new());
        }
        let mut select = Sql::new(format!("SELECT {columns} FROM {table} WHERE "));
        select.push(any_of("namespace_id", wholes.iter().map(|(id, _)| *id)));
        self.tx.fetch_all(select).await
    }

    /// The ids of the rows of `table` with one of these names.
    async fn ids(&self, table: &str, column: &str, names: Vec<&str>) -> Result<HashMap<String, i64>, DbError> {
        if names.is_empty() {
            return Ok(HashMap::new());
        }
        let mut select = Sql::new(format!("SELECT {column}, id FROM {table} WHERE "));
        select.push(any_of(column, names));
        self.tx.fetch_all(select).await?.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
    }
}
