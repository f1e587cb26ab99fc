"""Runs the reference's glance-manage with the arguments in each line of standard input, on the configuration that is named, and
prints exit code and standard output of each as a line of JSON. Loading it takes longer than what it does."""

import json
import os
import sys

from glance.cmd import manage


def run(arguments, output):
    os.dup2(output, 1)
    sys.argv = ["glance-manage", "--config-file", sys.argv[1], *arguments]
    try:
        code = manage.main()
    except SystemExit as ended:
        code = ended.code
    except Exception as error:
        code = str(error)
    sys.stdout.flush()
    if isinstance(code, str):
        print(code, file=sys.stderr)
        code = 1
    os._exit(code or 0)


for line in sys.stdin:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        run(line.split(), writer)
    os.close(writer)
    with os.fdopen(reader) as said:
        text = said.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(json.dumps({"code": code, "out": text}), flush=True)
