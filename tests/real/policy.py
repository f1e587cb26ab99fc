"""Asks oslo.policy every question on standard input, one JSON object a line, and prints T, F, or E for an error."""
import json
import logging
import sys

from oslo_config import cfg
from oslo_policy import policy


def main():
    logging.disable(logging.CRITICAL)
    conf = cfg.ConfigOpts()
    conf([])
    for line in sys.stdin:
        question = json.loads(line)
        enforcer = policy.Enforcer(conf, use_conf=False)
        try:
            enforcer.set_rules(policy.Rules.from_dict(question["rules"], "default"), use_conf=False)
            answer = "T" if enforcer.enforce("asked", question["target"], question["caller"]) else "F"
        except Exception:  # whatever it is, the request would end with it
            answer = "E"
        print(answer)


if __name__ == "__main__":
    main()
