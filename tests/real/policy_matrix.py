"""Prints what the reference's own rules say to every kind of caller, in the form of tests/it/golden/policy-matrix.txt."""
import logging
import sys

from oslo_config import cfg

import glance.api.policy
from glance.common import config  # noqa: F401 - registers what the policy needs
from glance import context
from glance.api.v2 import policy as api_policy  # noqa: F401
from glance import policies

OWNER = "ours"
# name, roles, project, whether the token is for the system
PERSONAS = [
    ("anonymous", [], None, False),
    ("reader", ["reader"], OWNER, False),
    ("member", ["member", "reader"], OWNER, False),
    ("manager", ["manager"], OWNER, False),
    ("admin", ["admin", "manager", "member", "reader"], "admins", False),
    ("other", ["member", "reader"], "theirs", False),
    ("service", ["service"], "services", False),
    ("system", ["admin", "manager", "member", "reader"], None, True),
]


def target(visibility, caller):
    # What glance.api.policy.ImageTarget gives of an image.
    member = caller if visibility == "shared" and caller != OWNER else None
    return {
        "project_id": OWNER, "owner": OWNER, "visibility": visibility, "member_id": member, "member": member,
        "status": "active", "protected": False,
    }


def line(cells):
    start = "".join(f"{cell:<{42 if at == 0 else 10}}" for at, cell in enumerate(cells[:-1]))
    print(start + cells[-1])


def section(title, visibility, enforcer):
    line([""])
    line([title])
    line(["rule"] + [persona[0] for persona in PERSONAS])
    for rule in policies.list_rules():
        cells = [rule.name]
        for _, roles, project, system in PERSONAS:
            caller = context.RequestContext(
                user_id="someone" if roles else None, project_id=project, roles=roles,
                system_scope="all" if system else None)
            try:
                allowed = enforcer.check(caller, rule.name, target(visibility, project))
            except Exception as error:
                if type(error).__name__ != "InvalidScope":
                    raise
                allowed = False
            cells.append("yes" if allowed else ".")
        line(cells)


def main():
    logging.disable(logging.CRITICAL)
    conf = cfg.CONF
    conf([], project="glance", default_config_files=[])
    for name, roles, project, system in PERSONAS:
        shown = ",".join(roles) or "-"
        scope = "system" if system else project or "-"
        print(f"{name:<10}roles {shown}, token for {scope}")
    enforcer = glance.api.policy.Enforcer(suppress_deprecation_warnings=True)
    section("a private image of project ours", "private", enforcer)
    section("a shared image of project ours", "shared", enforcer)
    conf.set_override("enforce_new_defaults", False, group="oslo_policy")
    enforcer = glance.api.policy.Enforcer(suppress_deprecation_warnings=True)
    section("a private image of project ours, enforce_new_defaults=false", "private", enforcer)


if __name__ == "__main__":
    sys.exit(main())
