//! The paste file: which filters a request passes before the API, found by the names of the reference's factories.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::ini;
use super::remark::{Place, Remark};
use super::settings::read_text;

/// How many applications may be looked up on the way to the API.
const APPS_MAX: usize = 64;

/// A filter of the reference's, or of its libraries'.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are those of the filters")]
pub enum Filter {
    Authtoken,
    Cache,
    CacheManage,
    Context,
    Cors,
    FakeAuth,
    Gzip,
    Healthcheck,
    HttpProxyToWsgi,
    Osprofiler,
    RequestId,
    UnauthenticatedContext,
    VersionNegotiation,
}

/// A filter with what its section says beside.
#[derive(Clone, Debug)]
pub struct Use {
    /// The filter.
    pub filter: Filter,
    /// The options in its section, each with its place.
    pub options: Vec<(String, String, Place)>,
}

/// What stands before the API.
#[derive(Clone, Debug, Default)]
pub struct Pipeline {
    /// The filters, the first one first.
    pub filters: Vec<Use>,
}

impl Pipeline {
    /// This filter, if it is there.
    pub fn find(&self, filter: Filter) -> Option<&Use> {
        self.filters.iter().find(|used| used.filter == filter)
    }

    /// Whether this filter is there.
    pub fn has(&self, filter: Filter) -> bool {
        self.find(filter).is_some()
    }
}

/// The pipeline of `flavor` in the paste file at `path`.
///
/// # Errors
/// What is wrong with the file, or not known here.
pub fn read(path: &Path, flavor: Option<&str>) -> Result<Pipeline, Vec<Remark>> {
    let shared: Arc<Path> = path.into();
    let text = read_text(path)
        .map_err(|why| vec![Remark::new(Place::File(Arc::clone(&shared)), format!("cannot be read: {why}"))])?;
    let at = |line| Place::Line(Arc::clone(&shared), line);
    let entries = ini::parse_python(&text).map_err(|faults| {
        faults.into_iter().map(|fault| Remark::new(at(fault.line), fault.text)).collect::<Vec<_>>()
    })?;
    let mut file = PasteFile { path: Arc::clone(&shared), flavor, sections: BTreeMap::new(), apps: 0 };
    for entry in entries {
        let section = file.sections.entry(entry.section).or_default();
        section.push((entry.key, entry.value, entry.line));
    }
    let name = flavor.map_or_else(|| "glance-api".to_owned(), |flavor| format!("glance-api-{flavor}"));
    let mut pipeline = Pipeline::default();
    file.app(&name, &mut pipeline).map_err(|fault| vec![fault])?;
    Ok(pipeline)
}

/// Key, value and line.
type Entry = (String, String, usize);

struct PasteFile<'a> {
    path: Arc<Path>,
    flavor: Option<&'a str>,
    sections: BTreeMap<String, Vec<Entry>>,
    /// How many applications have been looked up.
    apps: usize,
}

/// The options of a section, without those that say what it is.
type Options = Vec<(String, String, Place)>;

impl PasteFile<'_> {
    /// Adds the filters on the way to the application `name`.
    fn app(&mut self, name: &str, pipeline: &mut Pipeline) -> Result<(), Remark> {
        self.apps += 1;
        if self.apps > APPS_MAX {
            return Err(self.fault(0, format!("sections refer to each other too often, at {name:?}")));
        }
        let kinds = ["app", "application", "composite", "composit", "pipeline", "filter-app"];
        let (section, line) = self.section(&kinds, name)?;
        let kind = section.split(':').next().unwrap_or_default().to_owned();
        let mut options = self.options(&section)?;
        let filter_with = take(&mut options, "filter-with");
        if let Some(filter) = filter_with {
            self.filter(&filter, pipeline)?;
        }
        match kind.as_str() {
            "pipeline" => {
                let names = take(&mut options, "pipeline")
                    .ok_or_else(|| self.fault(line, format!("[{section}] has no pipeline")))?;
                self.pipeline(&names, line, pipeline)?;
            }
            "filter-app" => {
                let next =
                    take(&mut options, "next").ok_or_else(|| self.fault(line, format!("[{section}] has no next")))?;
                self.used_filter(&section, line, options, pipeline)?;
                self.app(&next, pipeline)?;
            }
            _ => self.composite_or_app(&section, line, options, pipeline)?,
        }
        Ok(())
    }

    fn composite_or_app(
        &mut self,
        section: &str,
        line: usize,
        mut options: Options,
        pipeline: &mut Pipeline,
    ) -> Result<(), Remark> {
        let factory = ["paste.composite_factory", "paste.composit_factory", "paste.app_factory", "use"]
            .iter()
            .find_map(|key| take(&mut options, key))
            .ok_or_else(|| self.fault(line, format!("[{section}] does not say what it is")))?;
        match factory.split_whitespace().collect::<String>().as_str() {
            "glance.api:root_app_factory" | "paste.urlmap:urlmap_factory" | "egg:Paste#urlmap" => {
                for (path, app, _) in options {
                    if path.starts_with('/') {
                        self.app(&app, pipeline)?;
                    }
                }
                Ok(())
            }
            "glance.api:pipeline_factory" => {
                let flavor = self.flavor.unwrap_or("default").to_owned();
                let names = take(&mut options, &flavor)
                    .ok_or_else(|| self.fault(line, format!("[{section}] has no pipeline {flavor:?}")))?;
                self.pipeline(&names, line, pipeline)
            }
            "glance.api.versions:create_resource" | "glance.api.v2.router:API.factory" => Ok(()),
            "oslo_middleware:Healthcheck.app_factory"
            | "oslo_middleware.healthcheck:Healthcheck.app_factory"
            | "egg:oslo.middleware#healthcheck" => {
                if !pipeline.has(Filter::Healthcheck) {
                    pipeline.filters.push(Use { filter: Filter::Healthcheck, options });
                }
                Ok(())
            }
            other => Err(self.fault(line, format!("[{section}]: there is nothing here that is {other}"))),
        }
    }

    /// Adds the filters that `names` lists, and those on the way to the application at its end.
    fn pipeline(&mut self, names: &str, line: usize, pipeline: &mut Pipeline) -> Result<(), Remark> {
        let mut names: Vec<&str> = names.split_whitespace().collect();
        let app = names.pop().ok_or_else(|| self.fault(line, "the pipeline is empty"))?;
        for name in names {
            self.filter(name, pipeline)?;
        }
        self.app(app, pipeline)
    }

    fn filter(&self, name: &str, pipeline: &mut Pipeline) -> Result<(), Remark> {
        let (section, line) = self.section(&["filter"], name)?;
        let options = self.options(&section)?;
        self.used_filter(&section, line, options, pipeline)
    }

    fn used_filter(
        &self,
        section: &str,
        line: usize,
        mut options: Options,
        pipeline: &mut Pipeline,
    ) -> Result<(), Remark> {
        let factory = ["paste.filter_factory", "use"]
            .iter()
            .find_map(|key| take(&mut options, key))
            .ok_or_else(|| self.fault(line, format!("[{section}] does not say which filter it is")))?;
        // A factory may be broken into lines.
        let factory: String = factory.split_whitespace().collect();
        let filter = known(&factory)
            .ok_or_else(|| self.fault(line, format!("[{section}]: there is no such filter here: {factory}")))?;
        pipeline.filters.push(Use { filter, options });
        Ok(())
    }

    /// The one section of one of these kinds that is called `name`.
    fn section(&self, kinds: &[&str], name: &str) -> Result<(String, usize), Remark> {
        let is_it = |section: &&String| {
            section.split_once(':').is_some_and(|(kind, own)| kinds.contains(&kind) && own.trim() == name)
        };
        let mut found = self.sections.keys().filter(is_it);
        let wanted = kinds.join(" or ");
        let section = found.next().ok_or_else(|| self.fault(0, format!("there is no section {wanted} {name:?}")))?;
        if found.next().is_some() {
            return Err(self.fault(0, format!("there are several sections {wanted} {name:?}")));
        }
        let line = self.sections.get(section).and_then(|entries| entries.first()).map_or(0, |(.., line)| *line);
        Ok((section.clone(), line))
    }

    /// The options of a section, with `%(name)s` replaced.
    fn options(&self, section: &str) -> Result<Options, Remark> {
        let defaults = self.sections.get("DEFAULT").map_or(&[][..], Vec::as_slice);
        let own = self.sections.get(section).map_or(&[][..], Vec::as_slice);
        let mut options = Options::new();
        for (key, value, line) in own {
            if key.starts_with("set ") || key == "require" || defaults.iter().any(|(known, ..)| known == key) {
                continue;
            }
            let value = self.interpolated(value, own, defaults).map_err(|why| self.fault(*line, why))?;
            options.push((key.clone(), value, Place::Line(Arc::clone(&self.path), *line)));
        }
        Ok(options)
    }

    fn interpolated(&self, value: &str, own: &[Entry], defaults: &[Entry]) -> Result<String, String> {
        let mut done = String::new();
        let mut rest = value;
        while let Some(at) = rest.find('%') {
            done.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix('%') {
                done.push('%');
                rest = after;
                continue;
            }
            let named = rest.strip_prefix('(').and_then(|inner| inner.split_once(")s"));
            let (name, after) = named.ok_or("a % has to be followed by % or by (name)s")?;
            let here = self.path.parent().unwrap_or(Path::new("")).to_string_lossy();
            let of = |entries: &[Entry]| {
                entries.iter().rev().find(|(key, ..)| key == name).map(|(_, value, _)| value.clone())
            };
            let found = match name {
                "here" => here.into_owned(),
                "__file__" => self.path.to_string_lossy().into_owned(),
                _ => of(own)
                    .or_else(|| of(defaults))
                    .ok_or_else(|| format!("it refers to %({name})s, which is not there"))?,
            };
            done.push_str(&found);
            rest = after;
        }
        done.push_str(rest);
        Ok(done)
    }

    fn fault(&self, line: usize, text: impl Into<String>) -> Remark {
        let path = Arc::clone(&self.path);
        Remark::new(if line == 0 { Place::File(path) } else { Place::Line(path, line) }, text)
    }
}

/// Takes an option out of a section.
fn take(options: &mut Options, key: &str) -> Option<String> {
    let at = options.iter().position(|(known, ..)| known == key)?;
    Some(options.remove(at).1)
}

/// The filter that a factory makes.
fn known(factory: &str) -> Option<Filter> {
    Some(match factory {
        "keystonemiddleware.auth_token:filter_factory" | "egg:keystonemiddleware#auth_token" => Filter::Authtoken,
        "glance.api.middleware.cache:CacheFilter.factory" => Filter::Cache,
        "glance.api.middleware.cache_manage:CacheManageFilter.factory" => Filter::CacheManage,
        "glance.api.middleware.context:ContextMiddleware.factory" => Filter::Context,
        "glance.api.middleware.context:UnauthenticatedContextMiddleware.factory" => Filter::UnauthenticatedContext,
        "glance.api.middleware.version_negotiation:VersionNegotiationFilter.factory" => Filter::VersionNegotiation,
        "glance.api.middleware.gzip:GzipMiddleware.factory" => Filter::Gzip,
        "glance.tests.utils:FakeAuthMiddleware.factory" => Filter::FakeAuth,
        "oslo_middleware.cors:filter_factory" | "oslo_middleware:CORS.factory" | "egg:oslo.middleware#cors" => {
            Filter::Cors
        }
        "oslo_middleware:Healthcheck.factory" | "oslo_middleware.healthcheck:Healthcheck.factory" => {
            Filter::Healthcheck
        }
        "oslo_middleware:HTTPProxyToWSGI.factory"
        | "oslo_middleware.http_proxy_to_wsgi:HTTPProxyToWSGI.factory"
        | "egg:oslo.middleware#http_proxy_to_wsgi" => Filter::HttpProxyToWsgi,
        "oslo_middleware:RequestId.factory" | "egg:oslo.middleware#request_id" => Filter::RequestId,
        "osprofiler.web:WsgiMiddleware.factory" => Filter::Osprofiler,
        _ => return None,
    })
}
