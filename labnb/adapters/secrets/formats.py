"""Secrets that are known by their own form, wherever they stand.

Each format has literal anchors: looking for a literal is some hundred times faster than a regular expression, so that
a megabyte of ordinary text costs a few milliseconds. Only where an anchor stands is the expression tried.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# Within a longer word (base64 of an image, a hash) nothing is a token.
_BEFORE = r"(?<![A-Za-z0-9_+\-])"
_AFTER = r"(?![A-Za-z0-9_+\-])"


HEADER = "-----BEGIN "
SCHEME = "://"
SHORTEST_TOKEN = 16
IN_URL = "credentials in a URL"
# User and password of a URL are masked together; from this length on the password is also masked wherever else it is.
LONG = 8
PLAIN_WORDS = ("password", "postgres", "username", "mypassword", "yourpassword", "anonymous", "changeme", "localhost")


@dataclass(frozen=True)
class Format:
    """A kind of secret: where to look (`anchors`, with upper and lower case), and what it looks like from there."""

    kind: str
    anchors: tuple[str, ...]
    pattern: re.Pattern[str]


def _token(kind: str, anchors: str, pattern: str) -> Format:
    return Format(kind, tuple(anchors.split()), re.compile(_BEFORE + pattern + _AFTER))


FORMATS = (
    _token("AWS access key", "AKIA ASIA ABIA ACCA", r"(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}"),
    _token("GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_[A-Za-z0-9]{30,255}"),
    _token("GitHub token", "github_pat_", r"github_pat_[A-Za-z0-9_]{22,255}"),
    _token(
        "GitLab token",
        "glpat- gldt- glrt- glft- glptt- glsoat- glcbt- glimt- glagent- gloas-",
        r"gl(?:pat|dt|rt|ft|ptt|soat|cbt|imt|agent|oas)-[A-Za-z0-9_\-.]{20,300}",
    ),
    _token("Slack token", "xoxa- xoxb- xoxe- xoxo- xoxp- xoxr- xoxs-", r"xox[abeoprs]-[A-Za-z0-9\-]{10,250}"),
    _token("Slack token", "xapp-", r"xapp-\d-[A-Za-z0-9\-]{20,250}"),
    Format(
        "Slack webhook",
        ("hooks.slack.com/",),
        re.compile(r"hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9_]{6,}(?:/[A-Za-z0-9_]{6,}){1,3}"),
    ),
    _token("Hugging Face token", "hf_", r"hf_(?=[a-z]*[A-Z0-9])[A-Za-z0-9]{20,100}"),
    _token("Hugging Face token", "api_org_", r"api_org_[A-Za-z0-9]{30,100}"),
    _token(
        "API key (sk-…)",
        "sk-",
        r"sk-(?:(?:proj|svcacct|admin|None|or-v1|lf|ant-[a-z]+\d*)-[A-Za-z0-9_\-]{20,300}"
        r"|(?=[A-Za-z_]*\d)[A-Za-z0-9_]{20,200}(?:-[A-Za-z0-9_\-]{0,100})?)",
    ),
    _token("Google API key", "AIza", r"AIza[A-Za-z0-9_\-]{35}"),
    _token("Google OAuth token", "ya29.", r"ya29\.[A-Za-z0-9_\-.]{20,2048}"),
    _token("Google OAuth secret", "GOCSPX-", r"GOCSPX-[A-Za-z0-9_\-]{20,60}"),
    _token("npm token", "npm_", r"npm_(?=[A-Za-z]*\d)[A-Za-z0-9]{36}"),
    _token("DigitalOcean token", "dop_v1_ doo_v1_ dor_v1_", r"do[opr]_v1_[a-f0-9]{40,80}"),
    _token("Docker token", "dckr_pat_", r"dckr_pat_[A-Za-z0-9_\-]{20,60}"),
    _token("Grafana token", "glsa_ glc_", r"gl(?:sa|c)_[A-Za-z0-9+/=_]{32,400}"),
    _token("Databricks token", "dapi", r"dapi[a-f0-9]{32}(?:-\d)?"),
    _token("NVIDIA API key", "nvapi-", r"nvapi-[A-Za-z0-9_\-]{40,120}"),
    _token("Groq API key", "gsk_", r"gsk_[A-Za-z0-9]{40,80}"),
    _token("Replicate token", "r8_", r"r8_[A-Za-z0-9]{35,45}"),
    _token("Prefect API key", "pnu_ pnb_", r"pn[ub]_[A-Za-z0-9]{30,60}"),
    _token(
        "JSON web token", "eyJ", r"eyJ[A-Za-z0-9_\-]{8,4000}\.[A-Za-z0-9_\-]{8,20000}\.[A-Za-z0-9_\-]{8,2000}={0,2}"
    ),
    Format(
        "private key",
        (HEADER,),
        re.compile(
            # The whole block; where its end was cut off, what looks like key material after the header.
            r"-----BEGIN (?P<name>(?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?)-----"
            r"(?=(?:[^A-Za-z0-9+/]|\\[nr]){0,40}[A-Za-z0-9+/:\-, ]{16})"
            r"(?:(?:(?!-----)[\x00-\uffff]){32,40000}?-----END (?P=name)-----"
            r"|(?:(?:\\[nr]|[\s\"',]){1,40}[A-Za-z0-9+/=:\-]{16,200}){1,1000})"
        ),
    ),
    Format(
        IN_URL,
        (SCHEME,),
        re.compile(r"://(?P<secret>[^\s/:@'\"<>\\{}$\[\](),]{0,256}:[^\s/@'\"<>\\{}$(),]{1,512})@[A-Za-z0-9\[]"),
    ),
)


def long_words(text: str) -> str:
    """Give the words of a text that are long enough to be tokens: a fraction of it, on which literals are ruled out."""
    return "\n".join([word for word in text.split() if len(word) >= SHORTEST_TOKEN])


def known_formats(text: str, words: str) -> Iterator[tuple[str, int, str]]:
    """Find every secret of a known form: (kind, position, secret). `words` are the text's long words."""
    for form in FORMATS:
        for anchor in form.anchors:
            at = text.find(anchor) if anchor in (HEADER, SCHEME) or anchor in words else -1
            while at >= 0:
                found = form.pattern.match(text, at)
                if found is None:
                    at = text.find(anchor, at + len(anchor))
                    continue
                group = "secret" if "secret" in form.pattern.groupindex else 0
                secret = found[group]
                if not _is_placeholder(secret):
                    yield form.kind, found.start(group), secret
                    password = secret.partition(":")[2] if form.kind == IN_URL else ""
                    if len(password) >= LONG and password.lower() not in PLAIN_WORDS:
                        yield form.kind, found.end(group) - len(password), password
                at = text.find(anchor, found.end())


def _is_placeholder(secret: str) -> bool:
    """Whether somebody wrote x, * or dots in the secret's place."""
    last = secret.rpartition(":")[2]
    return bool(re.fullmatch(r"(?:[A-Za-z]{2,6}[_\-])?[xX*.#_\-]{3,}", last)) or last.lower() in (
        "",
        "[redacted]",
        "redacted",
    )
