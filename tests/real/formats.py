"""Has the reference judge data: each line of standard input is a JSON object that says how the data is made from a file and
what it is to be. For each a line comes out, with what the image becomes or the refusal; once as the data arrives in blocks of
64 KiB, and once in blocks of 256 KiB."""

import functools
import json
import logging
import pathlib
import sys
import types

from glance.common import config  # registers the options
from glance.common import exception
from glance import location
from oslo_config import cfg
from oslo_utils.imageutils import format_inspector


class Upload(location.ImageProxy):
    """An image whose store does nothing but read."""

    def __init__(self, declared, block):
        self.image = types.SimpleNamespace(
            container_format="bare", disk_format=declared, extra_properties={}, virtual_size=None, status="saving")
        self.block = block

    def _upload_to_store(self, data, verifier, store=None, size=None):
        while data.read(self.block):
            pass


@functools.lru_cache(maxsize=None)
def content(path):
    return pathlib.Path(path).read_bytes()


def data_of(question):
    data = bytearray(content(question["file"])[:question["length"]])
    for at, part in question["edits"]:
        part = bytes(part)
        data[at:at + len(part)] = part[:max(len(data) - at, 0)]
    return bytes(data)


class Source:
    def __init__(self, data):
        self.data, self.at = memoryview(data), 0

    def read(self, size):
        block = bytes(self.data[self.at:self.at + size])
        self.at += len(block)
        return block


def judge(question, data, block):
    cfg.CONF.set_override("require_image_format_match", question["require"], "image_format")
    cfg.CONF.set_override("gpt_safety_checks_nonfatal", question["nonfatal"], "image_format")
    upload = Upload(question["declared"], block)
    try:
        upload.set_data(Source(data))
    except exception.InvalidImageData as refusal:
        return {"refused": str(refusal)}
    return {"virtual_size": upload.image.virtual_size or 0}


def is_never_inspected(data, block):
    """Whether the inspection ends in an error that the reference takes for its absence."""
    wrapper = format_inspector.InspectWrapper(Source(data))
    while wrapper.read(block):
        pass
    wrapper.close()
    try:
        wrapper.formats
    except AttributeError:
        return True
    return False


def main():
    logging.disable(logging.CRITICAL)
    for line in sys.stdin:
        question = json.loads(line)
        data = data_of(question)
        print(json.dumps({
            "answers": [judge(question, data, block) for block in (64 * 1024, 256 * 1024)],
            "never_inspected": is_never_inspected(data, 64 * 1024),
        }))


if __name__ == "__main__":
    main()
