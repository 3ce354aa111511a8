"""Secrets that are known by the name they are given to: `password = "…"`, `"api_key": "…"`, `TOKEN=…`.

Python, JSON, YAML, shell and INI are read alike, also inside a notebook's JSON, where quotes are escaped. The name
decides how much the value must look like a secret: a password may be any word, a token must look random, or every
`pad_token = "[PAD]"` would be one.
"""

from __future__ import annotations

import base64
import re
import string
from collections.abc import Iterator

# What a name must hold, in lower case, and what its value must be like.
NAMES = {
    "passw": "word",
    "passphrase": "word",
    "pwd": "word",
    "secret": "word",
    "key": "key",
    "token": "random",
    "credential": "random",
}
# "key" alone names anything; these are keys of a service.
_KEY_OF = re.compile(r"(?:api|access|secret|private|account|auth|signing|encryption)[_\-]?\Z", re.IGNORECASE)
_REST_OF_PASSWORD = re.compile(r"(?:or)?d", re.IGNORECASE)
_LETTERS = string.ascii_letters + string.digits + "_."

# `password_file`, `token_type`, `secret_name` tell about a secret, and `tokens` are words of a text.
_ABOUT = re.compile(
    r"s$|(?:[_\-]?(?:file|path|dir|name|names|id|ids|hash|field|column|col|length|len|env|var|type|url|uri|policy|prompt"
    r"|label|input|regex|re|pattern|format|count|size|index|idx|hint|help|error|reset|arn|version|expiry|expires"
    r"|expires_in|ttl|limit|required|rules?|manager|store|provider|class|func|fn|text|message|embedding|dim|mask))$",
    re.IGNORECASE,
)

_REST_OF_NAME = r"(?P<rest>[\w\-]{0,60})"
_BETWEEN = (
    r"(?P<close>\\{0,3}[\"'`])?[ \t]?\]?[ \t]?"
    r"(?::[ \t]{0,4}[A-Za-z][\w\[\], .|]{0,40}?(?=[ \t]{0,4}=))?"
    r"[ \t]{0,20}(?P<sign>={1,3}|!={1,2}|:=|=>|:|,)(?:[ \t]|\\n(?=[ \t])){0,20}"
)
_QUOTED = (
    r"[rbufRBUF]{0,2}\(?[rbufRBUF]{0,2}(?P<quote>\\{0,3}(?:\"\"\"|'''|[\"'`]))"
    r"(?P<value>(?:(?!(?P=quote))[^\r\n]){4,4096}?)(?P=quote)"
)
_BARE = r"(?P<bare>[^\s\"'`,;\\<>(){}\[\]]{6,4096})(?P<after>[^\r\n]{0,3})"

_TAIL = re.compile(_REST_OF_NAME + _BETWEEN + f"(?:{_QUOTED}|{_BARE})")
_OPTION = re.compile(
    r"(?P<rest>[\w\-]{0,30})[ \t]{1,4}(?P<quote>\\?[\"']?)(?P<value>[^\s\"'`\\<>$(){}]{6,512})(?P=quote)"
)
_KINDS = {"word": "password", "key": "API key", "random": "token"}
_OPTION_START = re.compile(r"(?<![\w\-])--[\w\-]{0,36}\Z")
_HEADER = re.compile(
    r"[\"'\\\]:=,\s]{1,12}(?P<scheme>bearer|basic|token)[ \t]{1,4}(?P<value>[A-Za-z0-9_\-.~+/]{8,4096}={0,2})",
    re.IGNORECASE,
)
_NETRC = re.compile(r"\s{1,8}login\s{1,8}\S{1,256}\s{1,8}password\s{1,8}(?P<value>[^\s\"'\\]{4,512})")
_PAIR = re.compile(
    r"[ \t]{0,4}=[ \t]{0,4}\([ \t]{0,4}(\\?[\"'])[^\r\n\"'\\]{0,256}\1[ \t]{0,4},"
    r"[ \t]{0,4}(\\?[\"'])(?P<value>[^\r\n\"'\\]{6,512})\2"
)
_WANDB = re.compile(r"(?P<between>[^\r\n]{0,60}?)(?<![0-9a-fA-F/])(?P<value>[0-9a-f]{40})(?![0-9a-fA-F])")

_WORDS = frozenset(
    """
    string required optional hidden masked secret secrets password passwd passphrase example changeme change_me default
    undefined value values dummy sample placeholder redacted removed unknown prompt username getpass disabled enabled
    invalid missing forgot forgotten incorrect number integer boolean object basic bearer digest plaintext encrypted
    credentials authorization anonymous nothing testing username@ ******
    """.split()  # noqa: SIM905
)
_STANDS_FOR = re.compile(
    r"[\[<{(%$].*|.*[>})]|.*(?:\$\{|\{\{|%\(|\$\(|\$[A-Z_]{3,}|%s|\{[A-Za-z_][\w.\[\]'\"]*\}).*|[xX*.•#_\-]+|(?:my|your|the|a|an|enter|insert|set|put|add|some|use)"
    r"[_\- ].*|.*[_\- ]here|(?:none|null|true|false|todo|tbd|nan|n/a)\b.*|(?:/|\./|\.\./|~/|[A-Za-z]:\\).*|[a-z][a-z0-9+.\-]*://.*"
    r"|\w+\.(?:json|ya?ml|txt|pem|key|env|toml|ini|cfg|py|csv)",
    re.IGNORECASE,
)
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")


def named_secrets(text: str, lower: str) -> Iterator[tuple[str, int, str]]:
    """Find every value that is given to a secret's name: (kind, position, value). `lower` is the text in lower case."""
    for name, likeness in NAMES.items():
        at = lower.find(name)
        while at >= 0:
            end = at + len(name)
            place = _whole_name(text, at, end, name)
            if place is not None:
                yield from _after_name(text, *place, name, likeness)
            at = lower.find(name, end)
    for anchor, pattern, kind in _OTHERS:
        at = lower.find(anchor)
        while at >= 0:
            found = pattern.match(text, at + len(anchor))
            if found and _accepted(found, kind):
                yield kind, found.start("value"), found["value"]
            at = lower.find(anchor, at + len(anchor))


_OTHERS = (
    ("machine ", re.compile(r"\S{1,256}" + _NETRC.pattern), "password"),
    ("auth", _PAIR, "password"),
    ("authorization", _HEADER, "authorization header"),
    ("wandb", _WANDB, "W&B API key"),
)


def _accepted(found: re.Match[str], kind: str) -> bool:
    if kind == "W&B API key":
        return not re.search(r"commit|sha|hash|rev|digest|git", found["between"], re.IGNORECASE)
    value = found["value"]
    if kind == "authorization header":
        if found["scheme"].lower() == "basic":
            return b":" in _decoded(value)
        return looks_random(value, 12)
    return not _stands_for_another(value)


def _decoded(value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except ValueError:
        return b""


def _whole_name(text: str, at: int, end: int, name: str) -> tuple[int, int] | None:
    """Tell where a found part of a name begins and ends, None when it is part of another: a foreign key, a passway."""
    if name == "passw":
        more = _REST_OF_PASSWORD.match(text, end)
        return None if more is None else (at, more.end())
    if name == "key":
        of = _KEY_OF.search(text[max(0, at - 12) : at])
        return None if of is None else (at - len(of[0]), end)
    return at, end


def _after_name(text: str, at: int, end: int, name: str, likeness: str) -> Iterator[tuple[str, int, str]]:
    kind = _KINDS[likeness] if name != "secret" else "secret"
    found = _TAIL.match(text, end)
    if found is None:
        if _is_option(text, at):
            yield from _after_option(text, end, kind, likeness)
    elif found["rest"] and _ABOUT.search(found["rest"]):
        return
    elif found["value"] is None:
        value = _bare_secret(text, _start_of_name(text, at), found, likeness)
        if value:
            yield kind, found.start("bare"), value
    elif _quoted_secret(found, name, likeness):
        if found["value"].isalpha() and found["sign"] == "=":
            # A plain word is masked with its quotes, here only: everywhere else it is just a word.
            yield kind, found.start("quote"), text[found.start("quote") : found.end()]
        else:
            yield kind, found.start("value"), found["value"]


def _after_option(text: str, end: int, kind: str, likeness: str) -> Iterator[tuple[str, int, str]]:
    option = _OPTION.match(text, end)
    if option is None or _ABOUT.search(option["rest"]) or _stands_for_another(option["value"]):
        return
    value = option["value"]
    if looks_random(value, 12) or (likeness == "word" and (not value.isalpha() or not value.islower())):
        yield kind, option.start("value"), value


def _start_of_name(text: str, at: int) -> int:
    before = text[max(0, at - 60) : at]
    return at - (len(before) - len(before.rstrip(_LETTERS)))


def _is_option(text: str, at: int) -> bool:
    """Whether the name at a place belongs to an option of a command: `--db-password`."""
    before = text[max(0, at - 40) : at]
    return "--" in before and _OPTION_START.search(before) is not None


def _quoted_secret(found: re.Match[str], name: str, likeness: str) -> bool:
    value, sign = found["value"], found["sign"]
    if _stands_for_another(value) or value != value.strip() or _names_a_secret(value, name):
        return False
    if sign == "," and not (found["close"] and looks_random(value, 12)):
        return False
    if likeness == "random":
        return looks_random(value, 16)
    if any(character.isspace() for character in value):
        return name.startswith("pass") and sign in ("=", "==") and len(value) <= 64
    if likeness == "key":
        return len(value) >= 8 and (any(c.isdigit() for c in value) or len(value) >= 20) and not _is_prose(value)
    return len(value) >= 6 or (len(value) >= 4 and any(c.isdigit() for c in value) and any(c.isalpha() for c in value))


def _bare_secret(text: str, start: int, found: re.Match[str], likeness: str) -> str:
    """Judge a value without quotes: in Python it is an expression, in YAML, shell, INI and URLs it may be a secret."""
    value, after = found["bare"], found["after"]
    if found["close"] or found["sign"] not in ("=", ":") or _stands_for_another(value):
        return ""
    before = text[max(0, start - 40) : start].rpartition("\n")[2]
    if before[-1:] in ("?", "&"):
        value = value.partition("&")[0]
        return value if looks_random(value, 8) else ""
    if after[:1] in ("(", "[", "{") or _is_prose(value):
        return ""
    if found["sign"] == "=" and _is_option(text, start):
        return value if likeness == "word" or looks_random(value, 12) else ""
    ends = not after.strip() or after[:1] in ("\r", "\n", '"', "'", "\\") or after.lstrip().startswith("#")
    first = re.fullmatch(r"[\s\"\-%!]*(?:(?:export|env|set|setenv|ENV|ARG|os)\s+)?", before) is not None
    name = text[start : found.start("rest")] + found["rest"]
    spaced = text[found.end("sign") : found.end("sign") + 1].isspace()
    attribute = "." in value and _IDENTIFIER.fullmatch(value) is not None
    strong = (
        not attribute
        and looks_random(value, 20)
        and any(c.isupper() for c in value)
        and any(c.islower() for c in value)
    )
    if strong and ends:
        return value
    if not first or not ends or (likeness == "random" and not looks_random(value, 16)):
        return ""
    mixed = any(c.isdigit() for c in value) or not value.isalnum()
    shell = found["sign"] == "=" and not spaced and name == name.upper()
    yaml = found["sign"] == ":" and spaced
    plain_name = _IDENTIFIER.fullmatch(value) is not None and not any(c.isdigit() for c in value)
    return value if mixed and (shell or yaml) and not plain_name and not attribute else ""


def _names_a_secret(value: str, name: str) -> bool:
    """Whether a value is itself the name of one, as in `GRANT = "USERNAME_PASSWORD"` or `field="clientSecret"`."""
    if re.fullmatch(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+", value):
        return True
    return name in value.lower() and (_is_prose(value) or (value.isalpha() and not value.islower()))


def looks_random(value: str, least: int) -> bool:
    """Whether a value is a long word of letters and digits, as generated keys are.

    >>> looks_random("[PAD]", 4), looks_random("q7Gd83kfLw02ksPx", 16)
    (False, True)
    """
    if len(value) < least or not re.fullmatch(r"[A-Za-z0-9_\-+/=.~:!@#%^*]+", value):
        return False
    digits = sum(c.isdigit() for c in value)
    return digits >= 2 and any(c.isalpha() for c in value) and not _is_prose(value)


def _is_prose(value: str) -> bool:
    """Whether a value is made of words or of a name and a number: `my-model-v2`, `user.name`, `2024-01-05`."""
    parts = [part for part in re.split(r"[_\-./: ]+", value) if part]
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}.*|[\d.,:\-+/]+", value):
        return True
    wordlike = [
        part for part in parts if re.fullmatch(r"[A-Za-z]?[a-z]{1,20}\d{0,3}|[A-Z]{1,20}\d{0,3}|v?\d{1,4}", part)
    ]
    return len(parts) > 1 and len(wordlike) == len(parts)


def _stands_for_another(value: str) -> bool:
    """Whether a value only says that a secret belongs there, or where it is kept."""
    bare = value.strip("\"'`?").lower()
    return not bare or bare in _WORDS or len(set(bare)) < 3 or _STANDS_FOR.fullmatch(value) is not None
