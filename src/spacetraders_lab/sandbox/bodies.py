"""Reads the body of an order into its shape, or says in the game's words everything that is wrong with it.

The game checks with zod, whose issues these are; its numbers are JavaScript's, so 1.0 and 1e0 are whole.
"""

from typing import Any, TypeVar

import msgspec

from spacetraders_lab.sandbox import refusals
from spacetraders_lab.sandbox.refusals import Issue

Body = TypeVar("Body", bound=msgspec.Struct)


def read_body(body: bytes, shape: type[Body]) -> Body:
    """The body in the given shape; raises 422 for anything else."""
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError:
        return _as_javascript(_decoded(body), shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise refusals.invalid_input((), "Body is not valid JSON.") from None


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise refusals.invalid_input((), "Body is not valid JSON.") from None


def _as_javascript(content: Any, shape: type[Body]) -> Body:
    """The content with its whole numbers as such. Raises 422 with an issue for each field that does not fit."""
    if not isinstance(content, dict):
        raise refusals.invalid_input((), "Expected an object.")
    issues: list[Issue] = []
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(shape):
        if field.encode_name not in content:
            if field.required:
                issues.append(refusals.issue((field.encode_name,), "Required"))
            continue
        try:
            values[field.name] = msgspec.convert(_whole(content[field.encode_name]), field.type)
        except msgspec.ValidationError as error:
            issues.append(refusals.issue((field.encode_name,), str(error), _code(str(error))))
    if issues:
        raise refusals.invalid(issues)
    return shape(**values)


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _code(message: str) -> str:
    """zod's name of an issue, by msgspec's words for it."""
    names = {"Invalid enum": "invalid_enum_value", " >= ": "too_small", " <= ": "too_big", "regex": "invalid_string"}
    return next((name for words, name in names.items() if words in message), "invalid_type")
