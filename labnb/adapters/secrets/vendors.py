"""The formats of many vendors, as detect-secrets keeps them (https://github.com/Yelp/detect-secrets).

Its plug-ins are asked about lines only where a literal of theirs stands; detect-secrets itself is imported at the first
such line (0.4 s), which most texts never have. Plug-ins that guess by entropy or by short words are not asked: they
take hashes, commits and embedded images for secrets.
"""

from __future__ import annotations

import functools
import importlib
import re
from collections.abc import Iterator
from typing import Any

# Literal (lower case) -> the plug-in that knows what to make of the line. The first are parts of the secret itself,
PREFIXES = {
    "sk_live_": "stripe.StripeDetector",
    "rk_live_": "stripe.StripeDetector",
    "sg.": "sendgrid.SendGridDetector",
    "sq0csp-": "square_oauth.SquareOAuthDetector",
    "pypi-age": "pypi_token.PypiTokenDetector",
    "_authtoken": "npm.NpmDetector",
    "accountkey=": "azure_storage_key.AzureStorageKeyDetector",
    "gr1348941": "gitlab_token.GitLabTokenDetector",
    "t3blbkfj": "openai.OpenAIDetector",
}
# the others stand near it.
NAMES = {
    "aws": "aws.AWSKeyDetector",
    "discord": "discord.DiscordBotTokenDetector",
    "telegram": "telegram_token.TelegramBotTokenDetector",
    "mailchimp": "mailchimp.MailchimpDetector",
    "cloudant": "cloudant.CloudantDetector",
    "softlayer": "softlayer.SoftlayerDetector",
    "twilio": "twilio.TwilioKeyDetector",
}
# A cheap look before detect-secrets is imported: the line must hold a word long enough to be a key.
_LONG_WORD = re.compile(r"(?=[A-Za-z_\-+/=.:]{0,60}[0-9])[A-Za-z0-9_\-+/=.:]{24}")
_AWS_SECRET = re.compile(r"(?<![0-9A-Za-z/+=])[0-9A-Za-z/+]{40}(?![0-9A-Za-z/+=])")
_WINDOW = 600


def vendor_secrets(text: str, lower: str, words: str) -> Iterator[tuple[str, int, str]]:
    """Find what the plug-ins know: (kind, position, secret). `words` are the text's long words, in lower case."""
    if any(prefix in words for prefix in PREFIXES):
        yield from _near(text, lower, PREFIXES)
    yield from _near(text, lower, NAMES)


def _near(text: str, lower: str, plugins: dict[str, str]) -> Iterator[tuple[str, int, str]]:
    for literal, plugin in plugins.items():
        at = lower.find(literal)
        while at >= 0:
            begin = max(text.rfind("\n", 0, at) + 1, at - _WINDOW)
            end = text.find("\n", at)
            end = min(len(text) if end < 0 else end, at + _WINDOW)
            line = text[begin:end]
            if (_AWS_SECRET if literal == "aws" else _LONG_WORD).search(line):
                yield from _ask(plugin, line, begin)
            at = lower.find(literal, end)


def _ask(name: str, line: str, begin: int) -> Iterator[tuple[str, int, str]]:
    plugin = _plugin(name)
    for secret in plugin.analyze_string(line):
        at = line.find(secret)
        whole = at >= 0 and not _inside_a_word(line, at, at + len(secret))
        if whole and len(secret) >= 12 and re.search(r"\d", secret):
            yield str(plugin.secret_type), begin + at, secret


@functools.cache
def _plugin(name: str) -> Any:
    module, _, kind = name.partition(".")
    return getattr(importlib.import_module(f"detect_secrets.plugins.{module}"), kind)()


def _inside_a_word(line: str, begin: int, end: int) -> bool:
    around = line[begin - 1 : begin] + line[end : end + 1]
    return bool(re.search(r"[A-Za-z0-9]", around))
