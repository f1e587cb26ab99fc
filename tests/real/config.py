"""Reads generated configuration files with oslo.config. Each line on standard input is a JSON object with the texts of
files and an environment; each line printed is a JSON object with the values of the options below, or "E" for an error."""
import json
import logging
import os
import sys
import tempfile

from oslo_config import cfg
from oslo_config import types

BRACKETED = {"item_type": types.String(quotes=True), "bounds": True}
PORTS = {"item_type": types.Integer(min=1, max=65535), "bounds": True}
HOSTS = {"item_type": types.HostAddress(), "bounds": True}
OPTIONS = {
    "DEFAULT": [
        cfg.StrOpt("public_endpoint"),
        cfg.StrOpt("hashing_algorithm", default="sha512"),
        cfg.IntOpt("image_member_quota", default=128),
        cfg.IntOpt("api_limit_max", default=1000, min=1),
        cfg.BoolOpt("do_secure_hash", default=True),
        cfg.ListOpt("disabled_notifications", default=[]),
        cfg.DictOpt("enabled_backends"),
        cfg.StrOpt("property_protection_rule_format", default="roles", choices=("roles", "policies")),
        cfg.StrOpt("image_cache_driver", default="centralized_db", choices=("centralized_db", "sqlite", "xattr"),
                   ignore_case=True),
    ],
    "image_format": [
        cfg.ListOpt("disk_formats",
                    default=["ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop"],
                    deprecated_opts=[cfg.DeprecatedOpt("disk_formats", group="DEFAULT")]),
    ],
    "import_filtering_opts": [
        cfg.ListOpt("allowed_schemes", default=["http", "https"], **BRACKETED),
        cfg.ListOpt("allowed_ports", default=[80, 443], **PORTS),
        cfg.ListOpt("allowed_hosts", default=[], **HOSTS),
    ],
    "oslo_policy": [
        cfg.MultiStrOpt("policy_dirs", default=["policy.d"]),
        cfg.FloatOpt("remote_timeout", default=60),
    ],
}


def read(case):
    values = {}
    with tempfile.TemporaryDirectory() as folder:
        arguments = []
        for at, text in enumerate(case["files"]):
            path = os.path.join(folder, "%d.conf" % at)
            with open(path, "w", newline="") as file:
                file.write(text)
            arguments += ["--config-file", path]
        os.environ.update(case["environment"])
        try:
            conf = cfg.ConfigOpts()
            for group, options in OPTIONS.items():
                conf.register_opts(options, group=None if group == "DEFAULT" else group)
            conf(arguments)
            for group, options in OPTIONS.items():
                for option in options:
                    values["%s.%s" % (group, option.dest)] = value(conf, group, option.dest)
        except Exception:  # the files as such cannot be read
            return "E"
        finally:
            for name in case["environment"]:
                del os.environ[name]
    return values


def value(conf, group, name):
    try:
        found = conf[name] if group == "DEFAULT" else conf[group][name]
    except Exception:  # whatever it is, the service would end with it
        return "E"
    if isinstance(found, list):
        return [str(item) for item in found if item is not None]
    if isinstance(found, dict):
        return [list(pair) for pair in found.items()]
    return found if isinstance(found, (int, float, bool)) or found is None else {"text": found}


def main():
    logging.disable(logging.CRITICAL)
    for line in sys.stdin:
        print(json.dumps(read(json.loads(line))))


if __name__ == "__main__":
    main()
