"""Judge JSON by the venue's published documents: OpenAPI (REST), AsyncAPI (channels), OpenRPC.

The documents are read strictly. An object that lists its properties may have no other, and every
property it lists is looked for, so that both an invented field and a forgotten one are findings.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

import yaml
from jsonschema import Draft202012Validator

from tests.shared_specs import spec_path

Schema = dict[str, Any]


class Finding(NamedTuple):
    """One place where a payload and the document differ."""

    source: str
    path: str
    rule: str
    detail: str

    def __str__(self) -> str:
        return f"{self.source} {self.path} [{self.rule}] {self.detail}"


def _merge(first: Schema, second: Schema) -> Schema:
    merged = {**first, **second}
    if "properties" in first and "properties" in second:
        merged["properties"] = {**first["properties"], **second["properties"]}
    if "enum" in first and "enum" in second:
        # A document narrows a shared enumeration by naming it again.
        merged["enum"] = [word for word in second["enum"] if word in first["enum"]]
    return merged


class Document:
    """One document, whose schemas are handed out whole and closed."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self.root = root

    def _resolve(self, reference: str) -> Schema:
        node: Any = self.root
        for part in reference.removeprefix("#/").split("/"):
            node = node[part.replace("~1", "/").replace("~0", "~")]
        schema: Schema = node
        return schema

    def close(self, schema: Schema) -> Schema:
        """Return the schema without references, its objects closed."""
        whole: Schema = {}
        for piece in schema.get("allOf", ()):
            whole = _merge(whole, self.close(piece))
        if "$ref" in schema:
            whole = _merge(whole, self.close(self._resolve(schema["$ref"])))
        own = {k: v for k, v in schema.items() if k not in ("allOf", "$ref", "examples", "example")}
        if "properties" in own:
            own["properties"] = {k: self.close(v) for k, v in own["properties"].items()}
        if isinstance(own.get("items"), dict):
            own["items"] = self.close(own["items"])
        if isinstance(own.get("additionalProperties"), dict):
            own["additionalProperties"] = self.close(own["additionalProperties"])
        whole = _merge(whole, own)
        if "properties" in whole:
            whole.setdefault("additionalProperties", False)
        if whole.pop("nullable", False) and "type" in whole:
            whole["type"] = [whole["type"], "null"]
        return whole


def _spell(path: Iterator[Any] | list[Any]) -> str:
    text = ""
    for part in path:
        text += "[]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".") or "$"


def _absent(schema: Schema, value: object, path: list[Any]) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in schema.get("properties", {}).items():
            if name in value:
                yield from _absent(inner, value[name], [*path, name])
            else:
                yield _spell([*path, name])
    elif isinstance(value, list) and isinstance(schema.get("items"), dict):
        for index, item in enumerate(value):
            yield from _absent(schema["items"], item, [*path, index])


def judge(source: str, schema: Schema, value: object) -> list[Finding]:
    """Return every difference between a payload and its closed schema."""
    findings = []
    for error in Draft202012Validator(schema).iter_errors(value):
        path = _spell(list(error.absolute_path))
        detail = error.message
        if error.validator == "additionalProperties":
            for name in sorted(error.instance.keys() - error.schema.get("properties", {}).keys()):
                inner = name if path == "$" else f"{path}.{name}"
                findings.append(Finding(source, inner, "invented", "not in the document"))
            continue
        findings.append(Finding(source, path, str(error.validator), detail[:200]))
    absent = dict.fromkeys(_absent(schema, value, []))
    findings += [Finding(source, path, "absent", "in the document, not sent") for path in absent]
    return findings


# Endpoints the venue's own client uses and the document leaves out, by the ones they answer like.
LIKE = {"/auth/{public_key}": "/auth"}


class OpenApi:
    """The REST document."""

    def __init__(self) -> None:
        self._document = Document(json.loads(spec_path("openapi.json").read_bytes()))
        self._operations = [
            (method.upper(), path, self._pattern(path), operation)
            for path, item in self._paths()
            for method, operation in item.items()
        ]
        # A literal path goes before one with parameters: /orders/batch before /orders/{order_id}.
        self._operations.sort(key=lambda o: o[1].count("{"))

    def _paths(self) -> Iterator[tuple[str, Schema]]:
        paths = self._document.root["paths"]
        yield from paths.items()
        for path, like in LIKE.items():
            yield path, paths[like]

    @staticmethod
    def _pattern(path: str) -> re.Pattern[str]:
        parts = re.split(r"\{[^}]+\}", path)
        return re.compile("[^/]+".join(map(re.escape, parts)))

    def operation(self, method: str, path: str) -> tuple[str, Schema] | None:
        """Return the documented operation of a call and its responses."""
        for known_method, template, pattern, operation in self._operations:
            if known_method == method and pattern.fullmatch(path):
                return f"{method} {template}", operation["responses"]
        return None

    def error_schema(self) -> Schema:
        return self._document.close({"$ref": "#/components/schemas/responses.ApiError"})

    def judge(self, method: str, path: str, status: int, body: bytes) -> list[Finding]:
        """Return every difference between one answer and the document."""
        found = self.operation(method, path)
        if found is None:
            name, responses = f"{method} {path}", {}
            findings = [Finding(name, "$", "operation", "not in the document")]
        else:
            (name, responses), findings = found, []
        response = responses.get(str(status))
        if response is None:
            findings.append(Finding(f"{name} {status}", "$", "status", "is not documented"))
        content = (response or {}).get("content", {}).get("application/json", {})
        schema = self._document.close(content["schema"]) if "schema" in content else None
        if schema is None and status >= 400:
            schema = self.error_schema()
        source = name if status < 400 else f"{name} {status}"
        if schema is None:
            if body:
                findings.append(Finding(source, "$", "body", "no body is documented"))
            return findings
        return findings + judge(source, schema, json.loads(body))


class AsyncApi:
    """The channels' document: payload schemas by channel."""

    def __init__(self) -> None:
        text = spec_path("asyncapi-2.6.0.yaml").read_text()
        self._document = Document(yaml.load(text, Loader=yaml.CSafeLoader))
        self._schemas = {
            re.split(r"[.\[]", channel.removeprefix("/"))[0]: channel
            for channel in self._document.root["channels"]
        }

    def judge(self, channel: str, data: object) -> list[Finding]:
        """Return every difference between one push and the channel's documented payload."""
        name = channel.split(".")[0]
        document = self._document
        if name not in self._schemas:
            return [Finding(name, "$", "channel", "not in the document")]
        message = document.root["channels"][self._schemas[name]]["subscribe"]["message"]
        while "$ref" in message:
            message = document._resolve(message["$ref"])
        schema = document.close(message["payload"])
        if "data" in schema.get("properties", {}):
            schema = schema["properties"]["data"]
        return judge(name, schema, data)


class OpenRpc:
    """The websocket methods' document: results by method."""

    def __init__(self) -> None:
        self._document = Document(json.loads(spec_path("openrpc.json").read_bytes()))
        self._results = {
            method["name"]: self._document.close(method["result"]["schema"])
            for method in self._document.root["methods"]
        }

    def methods(self) -> set[str]:
        return set(self._results)

    def judge(self, method: str, result: object) -> list[Finding]:
        """Return every difference between one result and the method's documented one."""
        return judge(method, self._results[method], result)


@cache
def open_api() -> OpenApi:
    return OpenApi()


@cache
def async_api() -> AsyncApi:
    return AsyncApi()


@cache
def open_rpc() -> OpenRpc:
    return OpenRpc()
