"""The OpenAPI document of `/v1`: FastAPI's paths with the shapes of msgspec, examples made from those of the fields."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from fastapi import FastAPI

from seawall.venue.rest.errors import CODES, Refusal

PREFIX: Final = "#/components/schemas/{name}"
Schema = dict[str, Any]


def answers(shape: type[Any], *codes: str) -> dict[int | str, dict[str, Any]]:
    """The responses of a route: its shape, and its refusals."""
    found: dict[int | str, dict[str, Any]] = {200: _content(shape, str(shape.__doc__).splitlines()[0])}
    for code in ("bad_request", *codes, "rate_limited", "busy"):
        status, sentence = CODES[code]
        words = found.get(int(status), {}).get("description", "")
        line = f"`{code}`: {sentence}."
        found[int(status)] = _content(Refusal, f"{words} {line}".strip())
    return found


def with_csv(found: dict[int | str, dict[str, Any]]) -> dict[int | str, dict[str, Any]]:
    """The responses of a route that answers CSV as well."""
    found[200]["content"]["text/csv"] = {"schema": {"type": "string"}}
    return found


def takes(shape: type[Any]) -> dict[str, Any]:
    """The body of a route."""
    return {"requestBody": {"required": True, "content": _content(shape, "")["content"]}}


def _content(shape: type[Any], words: str) -> dict[str, Any]:
    schema = {"$ref": PREFIX.format(name=shape.__name__)}
    return {"description": words, "content": {"application/json": {"schema": schema}}}


def describe(app: FastAPI, shapes: Sequence[type[Any]]) -> None:
    """Makes `app.openapi` tell the shapes: FastAPI knows nothing of them."""
    tell: Callable[[], dict[str, Any]] = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = tell()
            _, components = msgspec.json.schema_components((*shapes, Refusal), ref_template=PREFIX)
            known = document.setdefault("components", {}).setdefault("schemas", {})
            known.update(components)
            for name in ("HTTPValidationError", "ValidationError"):
                known.pop(name, None)
            for path in document["paths"].values():
                for operation in path.values():
                    _finish(operation, known)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _finish(operation: dict[str, Any], known: dict[str, Schema]) -> None:
    """Takes out the validation error that is never sent, and gives every JSON content an example."""
    operation["responses"].pop("422", None)
    bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
    for body in bodies:
        for kind, content in body.get("content", {}).items():
            if kind == "application/json" and "schema" in content and "example" not in content:
                content["example"] = example_of(content["schema"], known)


def example_of(schema: Schema, known: dict[str, Schema]) -> Any:
    """A value of a schema, from the examples of its fields."""
    if "$ref" in schema:
        return example_of(known[schema["$ref"].rpartition("/")[2]], known)
    if schema.get("examples"):
        return schema["examples"][0]
    if "default" in schema:
        return schema["default"]
    if "anyOf" in schema:
        return example_of(schema["anyOf"][0], known)
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "object":
        fields = schema.get("properties", {})
        return {name: example_of(field, known) for name, field in fields.items()}
    if schema.get("type") == "array":
        return [example_of(schema["items"], known)] if schema.get("items") else []
    return {"string": "0.0", "integer": 0, "boolean": True, "number": 0, "null": None}.get(schema.get("type", "null"))
