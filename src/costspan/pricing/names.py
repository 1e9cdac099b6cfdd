"""The forms one model name is sent in, from as sent to most reduced; `match` tries them in this order."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_BEDROCK_ARN: Final = re.compile(r"arn:aws[a-z-]*:bedrock:[^/]*?(?:foundation-model|inference-profile)/(.+)")
_RESOURCE_PATH: Final = re.compile(r"(?:projects/.+/)?(?:locations/.+/)?(?:publishers/[^/]+/)?models/(.+)")
_BEDROCK_ID: Final = re.compile(
    r"(?:(?:us|us-gov|eu|apac|jp|au|in|ca|sa|global)\.)?"
    r"(?:anthropic|amazon|meta|mistral|cohere|ai21|deepseek|stability|writer|openai|qwen|twelvelabs)\.[a-z].*"
)
_AWS_REGION: Final = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d/")
_COMPACT_DATE: Final = re.compile(r"-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)")
_DATE_SUFFIX: Final = re.compile(r"[-@](?:20\d{2}-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12]\d|3[01]))$")


@dataclass(frozen=True, slots=True)
class NameForms:
    """`exact` is the name as sent, `canonical` its equivalents, `undated` the name without its snapshot date.

    `vendor` is a leading `openai/`, or what the shape itself proves: a Bedrock ARN, a Vertex resource path.
    """

    exact: str
    canonical: tuple[str, ...]
    undated: str | None
    vendor: str | None


def forms(sent: str, is_vendor: Callable[[str], bool]) -> NameForms:
    """Return the forms of a model name; case never matters. `is_vendor` says which leading `vendor/` is not its own."""
    name = sent.strip().lower()
    plain, vendor = _unwrapped(name)
    found = [plain]
    while "/" in plain and (is_vendor(plain.partition("/")[0]) or _AWS_REGION.match(plain)):
        head, _, plain = plain.partition("/")
        vendor = vendor or head
        found.append(plain)
    found += [form.replace("@", "-") for form in found if "@" in form]
    found += [_COMPACT_DATE.sub(r"-\1-\2-\3", form) for form in found if _COMPACT_DATE.search(form)]
    canonical = tuple(dict.fromkeys(form for form in found if form and form != name))
    undated = _DATE_SUFFIX.sub("", found[-1])
    return NameForms(name, canonical, undated if undated != found[-1] else None, vendor)


def _unwrapped(name: str) -> tuple[str, str | None]:
    if arn := _BEDROCK_ARN.fullmatch(name):
        return arn[1], "aws"
    if path := _RESOURCE_PATH.fullmatch(name):
        return path[1], "google"
    return name, "aws" if _BEDROCK_ID.fullmatch(name) else None
