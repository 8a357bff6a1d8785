"""NDJSON for schemathesis: a request is one line, an answer is judged by its first one."""

import json

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def write_lines(ctx, value):
    return json.dumps(value).encode() + b"\n"


@schemathesis.deserializer("application/x-ndjson")
def read_lines(ctx, response):
    lines = [json.loads(line) for line in response.content.split(b"\n") if line]
    return lines[0] if lines else {"id": None, "version": None, "errors": []}
