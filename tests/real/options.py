"""Prints every option that the reference has in its service, one JSON array a line: group, name, form, default, least and
most, words to choose from, whether it is secret, and whether the reference itself has it or one of its libraries."""
import json
import warnings

warnings.simplefilter("ignore")

import glance_store
from glance import opts
from glance.common import config as glance_config
from glance_store import multi_backend
from keystoneauth1 import loading
from keystonemiddleware.auth_token import _opts as authtoken_opts
from oslo_concurrency import lockutils
from oslo_config import cfg
from oslo_db import options as db_options
from oslo_limit import opts as limit_opts
from oslo_log import _options as log_options
from oslo_middleware import cors
from oslo_middleware.healthcheck import opts as healthcheck_opts
from oslo_middleware import http_proxy_to_wsgi
from oslo_policy import opts as policy_opts


def own():
    for listed in (opts.list_api_opts, opts.list_scrubber_opts, opts.list_cache_opts, opts.list_image_import_opts):
        yield from listed()


def of_libraries():
    glance_config.set_cors_middleware_defaults()
    yield "cors", cors.CORS_OPTS
    yield "database", db_options.database_opts
    yield "glance_store", multi_backend._STORE_OPTS
    for group, options in glance_store.backend._list_opts():
        here = ("filesystem", "http", "stores", "default_store")
        yield group, [option for option in options if option.name.startswith(here)]
    yield "healthcheck", healthcheck_opts.HEALTHCHECK_OPTS + healthcheck_opts.DISABLE_BY_FILE_OPTS
    yield "healthcheck", healthcheck_opts.DISABLE_BY_FILES_OPTS + healthcheck_opts.ENABLE_BY_FILES_OPTS
    for group, options in authtoken_opts.list_opts():
        yield group, options
    for plugin in ("password", "v3applicationcredential"):
        for group in ("keystone_authtoken", "oslo_limit"):
            yield group, loading.get_auth_plugin_conf_options(plugin)
    yield "oslo_concurrency", lockutils._opts
    for options in (limit_opts._options, loading.get_session_conf_options(), loading.get_auth_common_conf_options(),
                    loading.get_adapter_conf_options(include_deprecated=False)):
        yield "oslo_limit", options
    yield "oslo_middleware", http_proxy_to_wsgi.OPTS
    yield "oslo_policy", policy_opts._options
    for options in (log_options.common_cli_opts, log_options.logging_cli_opts, log_options.generic_log_opts,
                    log_options.log_opts):
        yield None, options


def default(option):
    if isinstance(option, cfg.MultiOpt):
        return [str(value) for value in option.default or []]
    value = option.default if option.default is None else option.type(option.default)
    if isinstance(option, cfg.FloatOpt) and value is not None:
        return float(value)
    if isinstance(value, list):
        return [str(item) for item in value]
    if isinstance(value, dict):
        return [list(pair) for pair in value.items()]
    return {"text": value} if isinstance(value, str) else value


def main():
    for is_own, listed in ((True, own()), (False, of_libraries())):
        for group, options in listed:
            for option in options:
                kind = option.type
                form = "StrOpt" if type(option) is cfg.Opt else type(option).__name__
                limits = [getattr(kind, limit, None) for limit in ("min", "max")]
                choices = getattr(kind, "choices", None)
                print(json.dumps([
                    group or "DEFAULT", option.dest, form, default(option),
                    [None if limit is None else str(limit) for limit in limits],
                    list(choices) if choices else None, option.secret, is_own,
                ]))


if __name__ == "__main__":
    main()
