//! The list of images. Each statement says itself which index finds its rows, for no index suits every filter and order,
//! and SQLite, which keeps no statistics by itself, would choose by the form of the statement alone (decision 6).

mod by_keys;
mod conditions;
mod guide;
mod keyset;
mod stretch;
mod way;

use super::{COLUMNS, With, find_row, packed, read_images};
use crate::db::dialect::Dialect;
use crate::db::engine::Reading;
use crate::db::sql::any_of;
use crate::db::{Arg, Db, DbError, Sql, sql};
use crate::model::filter::{Condition, Direction, ImageFilter, Page, SortKey, TextColumn, WantedVisibility};
use crate::model::identity::Identity;
use crate::model::image::{Image, Visibility};
use by_keys::{Killed, are_living};
use conditions::{condition, inert, listed};
use guide::Guide;
pub(in crate::db) use guide::Guides;
use keyset::Place;
use stretch::{Stretch, end};
use way::{Way, beforehand, look, reaches, ways};

/// What is asked of a list, and in whose SQL.
#[derive(Clone, Copy)]
struct Query<'a> {
    dialect: Dialect,
    filter: &'a ImageFilter,
    who: &'a Identity,
    sort: &'a [(SortKey, Direction)],
}

/// The images on `page` that `filter` wants and `who` may list; none at all when the marker is not one of theirs.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &Db, filter: &ImageFilter, who: &Identity, page: &Page) -> Result<Option<Vec<Image>>, DbError> {
    let query = Query { dialect: db.dialect(), filter, who, sort: keyset::total(&page.sort) };
    let name = db.guides.name(query, page);
    let guide = name.and_then(|name| db.guides.find(name));
    // Mostly one statement has the whole page.
    let apart = db.read_apart(|reading| read_page(reading, query, page, guide.as_ref())).await.transpose()?;
    let found = match apart.unwrap_or(Found::InPart) {
        Found::InPart => {
            let (filter, who, page) = (filter.clone(), who.clone(), page.clone());
            let work = move |reading: &Reading<'_>| {
                let sort = keyset::total(&page.sort);
                read_page(reading, Query { dialect: reading.dialect(), filter: &filter, who: &who, sort }, &page, None)
            };
            db.read(work).await?
        }
        found => found,
    };
    Ok(match found {
        Found::Page(images, learnt) => {
            if let (Some(name), Some(learnt)) = (name, learnt) {
                db.guides.learn(name, learnt);
            }
            Some(images)
        }
        Found::NoMarker | Found::InPart => None,
    })
}

/// What was found of a page.
enum Found {
    /// All of it, and what was learnt of how it begins.
    Page(Vec<Image>, Option<Guide>),
    /// Not even the image that the page comes after.
    NoMarker,
    /// Less than the page. The rest may not be added, for it would be of another moment.
    InPart,
}

fn read_page(reading: &Reading<'_>, query: Query<'_>, page: &Page, guide: Option<&Guide>) -> Result<Found, DbError> {
    let mut stretch = Stretch { after: None, until: None, limit: page.limit };
    if let Some(id) = &page.marker {
        let columns = keyset::columns(query.sort);
        stretch.after = find_row(reading, &columns, id, query.who, |row| Place::read(row, query.sort))?;
        if stretch.after.is_none() {
            return Ok(Found::NoMarker);
        }
    }
    let Some(guide) = guide else { return look_for(reading, query, stretch) };
    stretch.until.clone_from(&guide.until);
    let images = images_of(reading, query, &stretch, &Way::InOrder)?;
    Ok(if stretch.until.is_none() || left(page.limit, &images) == 0 {
        Found::Page(images, None)
    } else {
        Found::InPart
    })
}

/// The images of a page, all that `stretch` has. Where there are several ways and none is known to be short, a shorter stretch of
/// the order is asked first, which mostly has a page, then a longer one behind it, then all the rest.
fn look_for(reading: &Reading<'_>, query: Query<'_>, mut stretch: Stretch) -> Result<Found, DbError> {
    let ways = ways(query);
    if let Some(way) = beforehand(query.filter, &ways) {
        return Ok(Found::Page(images_of(reading, query, &stretch, &way)?, None));
    }
    // What is broken off if it takes long needs no other bound: it is read once more then, with these.
    let bounded = reading.breaks_off();
    let (limit, mut learnt) = (stretch.limit, None);
    let mut images = Vec::new();
    for reach in reaches(query.sort, limit) {
        let way = look(reading, &ways, reach.few)?;
        if way.is_none()
            && !bounded
            && let Some(entries) = reach.stretch
            && let Some(end) = end(query, &stretch, entries)
        {
            reading.each(|| end.anew(), &mut |row| {
                stretch.until = Some(Place::read(row, query.sort)?);
                Ok(())
            })?;
        }
        if way.is_none() && reading.is_apart() {
            learnt = Some(Guide { until: stretch.until.clone() });
        }
        images.extend(images_of(reading, query, &stretch, &way.unwrap_or(Way::InOrder))?);
        stretch.limit = left(limit, &images);
        stretch.after = match stretch.until.take() {
            Some(_) if stretch.limit > 0 && reading.is_apart() => return Ok(Found::InPart),
            Some(end) if stretch.limit > 0 => Some(end),
            _ => break,
        };
    }
    Ok(Found::Page(images, learnt))
}

/// How many of `limit` images are still to be found.
fn left(limit: u32, images: &[Image]) -> u32 {
    limit.saturating_sub(u32::try_from(images.len()).unwrap_or(u32::MAX))
}

/// The images that `stretch` has, found in this way.
fn images_of(reading: &Reading<'_>, query: Query<'_>, stretch: &Stretch, way: &Way) -> Result<Vec<Image>, DbError> {
    let none = || Sql::new(format!("SELECT {COLUMNS} FROM images WHERE 1 = 0"));
    let those =
        |killed| read_images(reading, || statement(query, stretch, way, killed).unwrap_or_else(none), With::All);
    let images = those(Killed::Perhaps)?;
    if are_living(&images) { Ok(images) } else { those(Killed::Never) }
}

/// The one statement of a page, or of what is on it of a stretch; none when there can be nothing.
fn statement(query: Query<'_>, stretch: &Stretch, way: &Way, killed: Killed) -> Option<Sql> {
    let Query { dialect, sort, .. } = query;
    let (parts, met) = parts_by(way, query);
    let sorted = !matches!(way, Way::InOrder);
    let ranges = stretch.ranges(dialect, sort, sorted);
    let in_order: Vec<Sql> = sort.iter().map(|&(key, direction)| keyset::order(key, direction, sorted)).collect();
    let end = |pinned: Vec<Sql>| {
        let mut end = Sql::new(" ORDER BY ");
        end.push_joined(", ", pinned.into_iter().chain(in_order.iter().cloned()));
        end.push(sql!(" LIMIT ?", i64::from(stretch.limit)));
        end
    };
    let alone = parts.len() * ranges.len() == 1;
    let by_keys = killed == Killed::Perhaps && !sorted && by_keys::tell(query, &parts);
    let columns = if alone && !sorted { packed::columns(dialect, With::All) } else { COLUMNS.to_owned() };
    let mut selects = parts.iter().flat_map(|part| {
        let end = end(part.pinned(query));
        let (met, columns) = (&met, &columns);
        let select = move |range| {
            if by_keys { part.keys(query, range) } else { part.select(columns, query, met, range) }
        };
        ranges.iter().map(move |range| Piece {
            select: select(range.as_ref()),
            end: end.clone(),
            in_order: part.reads_in_order(),
        })
    });
    if by_keys {
        let keys = union(dialect, " UNION ", selects, end(Vec::new()))?;
        return Some(by_keys::page(&packed::columns(dialect, With::All), keys, sort));
    }
    let select = match way {
        Way::Seen(_) => {
            let mut all = Sql::new("SELECT * FROM (");
            all.push_joined(" UNION ALL ", selects.map(|piece| piece.select)).push(") AS images").push(end(Vec::new()));
            all
        }
        _ if alone => {
            let Piece { mut select, end, .. } = selects.next()?;
            select.push(end);
            select
        }
        _ => union(dialect, " UNION ALL ", selects, end(Vec::new()))?,
    };
    if alone && !sorted || !dialect.packs() {
        return Some(select);
    }
    // What belongs to an image is put together for those on the page only, not for all that are sorted or merged.
    let mut page = Sql::new(format!("SELECT {} FROM (", packed::columns(dialect, With::All)));
    page.push(select).push(") AS images ORDER BY ").push_joined(", ", in_order.iter().cloned());
    Some(page)
}

/// A piece of a union.
struct Piece {
    select: Sql,
    /// Its order, and its length.
    end: Sql,
    /// Whether an index has it in this order.
    in_order: bool,
}

/// The pieces as one, joined by this `word`, in the order and of the length that `end` says.
fn union(dialect: Dialect, word: &str, pieces: impl Iterator<Item = Piece>, end: Sql) -> Option<Sql> {
    let (mut apart, mut joined) = (Vec::new(), Vec::new());
    for Piece { select, end, in_order } in pieces {
        // SQLite merges the parts of a union that has an order, and reads each of them no further than needed.
        let cut = if dialect.cuts_parts() { in_brackets(select, end) } else { select };
        joined.push(if in_order || !dialect.weighs_unions() {
            cut
        } else {
            let name = format!("part_{}", apart.len());
            let mut named = Sql::new(format!("{name} AS MATERIALIZED "));
            named.push(cut);
            apart.push(named);
            Sql::new(format!("SELECT * FROM {name}"))
        });
    }
    if joined.is_empty() {
        return None;
    }
    let mut union = Sql::default();
    if !apart.is_empty() {
        union.push("WITH ").push_joined(", ", apart).push(" ");
    }
    union.push_joined(word, joined).push(end);
    Some(union)
}

/// The parts that are found in this way, and the places of the conditions that they are found by.
fn parts_by(way: &Way, query: Query<'_>) -> (Vec<Part>, Vec<usize>) {
    let Query { dialect, filter, who, sort } = query;
    let asked = || listed(filter, who);
    match way {
        Way::InOrder if keyset::is_usual(sort) && !who.is_admin => (parts(query), Vec::new()),
        Way::InOrder => match leading(query) {
            None => (vec![Part::in_order(None, asked())], Vec::new()),
            // An administrator sees everything that has the visibility.
            Some((leads, None)) => (vec![Part::in_order(Some(leads), Vec::new())], Vec::new()),
            Some((leads, Some(met))) => (vec![Part::in_order(Some(leads), asked())], vec![met]),
        },
        Way::By(places) => (vec![by(filter, places, asked())], places.clone()),
        Way::Having(at) => {
            let such = conditions::rows_of(&filter.conditions[*at], dialect);
            (such.map(|such| Part::of(such, asked())).into_iter().collect(), vec![*at])
        }
        Way::Seen(most) => {
            let one_by_one = |part: Part| part.one_by_one(query, *most);
            (parts(query).into_iter().map(one_by_one).collect(), Vec::new())
        }
    }
}

/// A part that is ordered and cut by itself.
fn in_brackets(select: Sql, end: Sql) -> Sql {
    let mut part = Sql::new("(");
    part.push(select).push(end).push(")");
    part
}

/// What meets the conditions at `places`, which few images do.
fn by(filter: &ImageFilter, places: &[usize], asked: Vec<Sql>) -> Part {
    use TextColumn::{Checksum, Id, OsHashValue, Owner};
    let conditions = || places.iter().map(|place| &filter.conditions[*place]);
    let mut found_by = Sql::default();
    found_by.push_joined(" AND ", conditions().map(|leading| condition(leading, str::to_owned)));
    // Of these columns there are indexes that begin with them; of all others, those for orders.
    let alone = |leading: &Condition| matches!(leading, Condition::TextIn(Id | Checksum | OsHashValue | Owner, _));
    Part { in_order: !conditions().all(alone), ..Part::sorted(found_by, asked) }
}

/// A part of a list. Of the columns of images, only those that it `leads` with and is `found_by` and, where the part comes in
/// the order of the list, those that every list asks for, are written so that an index may be chosen for them.
struct Part {
    /// Where the ids of its images are, if another table knows them.
    ids: Option<Sql>,
    leads: Option<Leading>,
    found_by: Option<Sql>,
    asked: Vec<Sql>,
    in_order: bool,
}

impl Part {
    fn in_order(leads: Option<Leading>, asked: Vec<Sql>) -> Self {
        Self { ids: None, leads, found_by: None, asked, in_order: true }
    }

    fn sorted(found_by: Sql, asked: Vec<Sql>) -> Self {
        Self { ids: None, leads: None, found_by: Some(found_by), asked, in_order: false }
    }

    /// The images whose `image_id` is in these `rows` of another table, `FROM …`.
    fn of(rows: Sql, asked: Vec<Sql>) -> Self {
        let mut ids = Sql::new("SELECT DISTINCT image_id ");
        ids.push(rows);
        Self { ids: Some(ids), ..Self::sorted(sql!("images.id = ids.image_id"), asked) }
    }

    /// The same images, of which there are `most` at the most, one by one: their ids are looked up first, which need nothing but
    /// the index of this part, so that servers take that one.
    fn one_by_one(self, query: Query<'_>, most: u32) -> Self {
        let mut rows = Sql::new("FROM (");
        rows.push(self.all_ids(query)).push(sql!(" LIMIT ?) AS seen", i64::from(most)));
        Self::of(rows, self.asked)
    }

    /// The ids of all images of this part, whatever else is asked of them; a limit is to follow.
    fn all_ids(&self, query: Query<'_>) -> Sql {
        if let Some(ids) = &self.ids {
            return ids.clone();
        }
        let mut ids = Sql::new(format!("SELECT images.id AS image_id FROM {} WHERE ", self.images(query)));
        ids.push_joined(" AND ", self.beginning(query));
        ids
    }

    /// The columns that have one value in this part, in the order of the index that is to be read.
    fn constant(&self, filter: &ImageFilter) -> Vec<Leading> {
        let always = [("images.deleted", false.into()), ("images.os_hidden", filter.hidden.into())];
        match &self.leads {
            None => always.into(),
            Some(first @ ("images.owner" | "images.visibility", _)) => {
                [first.clone()].into_iter().chain(always).collect()
            }
            Some(last) => always.into_iter().chain([last.clone()]).collect(),
        }
    }

    /// What stands before the keys of the order, where an index is only read in its order if all of its columns are told.
    fn pinned(&self, query: Query<'_>) -> Vec<Sql> {
        let Some(&(_, direction)) = query.sort.first().filter(|_| self.reads_in_order() && query.dialect.pins()) else {
            return Vec::new();
        };
        self.constant(query.filter).iter().map(|(column, _)| keyset::term(column, direction)).collect()
    }

    fn reads_in_order(&self) -> bool {
        self.in_order && self.found_by.is_none()
    }

    /// The images, by the index of this part, if one has them in its order.
    fn images(&self, query: Query<'_>) -> String {
        let leads = self.leads.as_ref().map(|&(column, _)| column.to_owned());
        let first = query.sort.first().filter(|_| keyset::has_index(query.sort));
        match leads.or(first.map(|&(key, _)| keyset::qualified(key))).filter(|_| self.reads_in_order()) {
            None => "images".to_owned(),
            Some(column) => by_index(query.dialect, &column),
        }
    }

    /// The images of this part in `range` that `filter` wants; the conditions at the places `met` are what they are found by.
    fn select(&self, columns: &str, query: Query<'_>, met: &[usize], range: Option<&Sql>) -> Sql {
        let mut select = Sql::new(format!("SELECT {columns} FROM "));
        match &self.ids {
            Some(ids) => select.push("(").push(ids.clone()).push(") AS ids ").push(query.dialect.images_of_ids()),
            None => select.push(self.images(query).as_str()),
        };
        let asked_for = query.filter.conditions.iter().enumerate().filter(|(at, _)| !met.contains(at));
        let filtered = asked_for.map(|(_, wanted)| {
            let written = if self.is_range_of_index(query.sort, wanted) { str::to_owned } else { inert };
            condition(wanted, written)
        });
        let rest = self.found_by.iter().chain(&self.asked).chain(range).cloned();
        let living = [Sql::new("images.status <> 'killed'")];
        let constant = self.beginning(query).into_iter();
        select.push(" WHERE ").push_joined(" AND ", constant.chain(living).chain(rest).chain(filtered));
        select
    }

    /// That the columns which have one value have it.
    fn beginning(&self, query: Query<'_>) -> Vec<Sql> {
        let pins = query.dialect.pins();
        let each = self.constant(query.filter).into_iter().map(|(column, value)| match (self.in_order, pins) {
            (false, _) => sql!(format!("{} = ?", inert(column)), value),
            (true, true) if self.reads_in_order() => sql!(format!("{column} IN (?, NULL)"), value),
            (true, _) => sql!(format!("{column} = ?"), value),
        });
        each.collect()
    }

    /// Whether `wanted` is a range of what the list is sorted by, and so one of the index of this part, too.
    fn is_range_of_index(&self, sort: &[(SortKey, Direction)], wanted: &Condition) -> bool {
        let column = conditions::indexed_column(wanted).filter(|_| self.reads_in_order());
        column.is_some() && column == keyset::range_column(sort) && conditions::is_range(wanted)
    }

    /// The keys of the entries in `range` of the index that this part is read by in its order: nothing else is asked of them.
    fn entries(&self, query: Query<'_>, range: Option<&Sql>) -> Sql {
        let Query { filter, sort, .. } = query;
        let ranges = filter.conditions.iter().filter(|wanted| self.is_range_of_index(sort, wanted));
        let ranges = ranges.map(|wanted| condition(wanted, str::to_owned)).chain(range.cloned());
        let mut entries = Sql::new(format!("SELECT {} FROM {} WHERE ", keyset::columns(sort), self.images(query)));
        entries.push_joined(" AND ", self.beginning(query).into_iter().chain(ranges));
        entries
    }
}

/// The images, by our index of this `column` of theirs.
fn by_index(dialect: Dialect, column: &str) -> String {
    dialect.by_own_index("images", &column.replace("images.", "glint_images_"))
}

/// What a caller who is no administrator may list, in parts: what is public, what is the caller's own, what is shared with
/// the caller, and if asked for, what is everybody's. No image is in two of them.
fn parts(query: Query<'_>) -> Vec<Part> {
    use Visibility::{Community, Private, Public, Shared};
    let Query { dialect, filter, who, .. } = query;
    let wanted = |visibility| match filter.visibility {
        WantedVisibility::All => true,
        WantedVisibility::Only(only) => only == visibility,
        WantedVisibility::Usual => visibility != Community,
    };
    let mut parts = Vec::new();
    for everybodys in [Public, Community].into_iter().filter(|visibility| wanted(*visibility)) {
        parts.push(Part::in_order(Some(("images.visibility", everybodys.as_str().into())), Vec::new()));
    }
    let Some(project) = &who.project_id else {
        return parts;
    };
    let mut own: Vec<Visibility> = [Private, Shared].into_iter().filter(|visibility| wanted(*visibility)).collect();
    if filter.visibility == WantedVisibility::Usual {
        own.push(Community);
    }
    if !own.is_empty() {
        let visible = any_of(&inert("images.visibility"), own.iter().map(|visibility| visibility.as_str()));
        parts.push(Part::in_order(Some(("images.owner", project.into())), vec![visible]));
    }
    if wanted(Shared) {
        let mut shared = sql!("FROM image_members WHERE ");
        shared.push(conditions::membership(filter, project));
        if let Some(first) = dialect.beginning_with_member() {
            shared.push(sql!(format!(" AND {first}"), project, false));
        }
        let (visibility, owner) = (inert("images.visibility"), inert("images.owner"));
        let asked = vec![
            sql!(format!("{visibility} = ?"), Shared.as_str()),
            sql!(format!("({owner} <> ? OR {owner} IS NULL)"), project),
        ];
        parts.push(Part::of(shared, asked));
    }
    parts
}

/// The value of a column with which an index in the order of the list begins.
type Leading = (&'static str, Arg);

/// What an index in the usual order begins with, if an administrator asks for one value of such a column, and the place of the
/// condition that does, if it is not the visibility.
fn leading(query: Query<'_>) -> Option<(Leading, Option<usize>)> {
    use TextColumn::{ContainerFormat, DiskFormat, Owner, Status};
    let Query { filter, who, sort, .. } = query;
    if !who.is_admin || !keyset::is_usual(sort) {
        return None;
    }
    let leads = |(at, condition): (usize, &Condition)| match condition {
        Condition::TextIn(column @ (Owner | Status | DiskFormat | ContainerFormat), values) => {
            match values.as_slice() {
                [one] => Some(((conditions::text_column(*column), one.into()), Some(at))),
                _ => None,
            }
        }
        _ => None,
    };
    let asked_for = filter.conditions.iter().enumerate().find_map(leads);
    asked_for.or_else(|| match filter.visibility {
        WantedVisibility::Only(only) => Some((("images.visibility", only.as_str().into()), None)),
        WantedVisibility::All | WantedVisibility::Usual => None,
    })
}

#[cfg(test)]
mod tests;
