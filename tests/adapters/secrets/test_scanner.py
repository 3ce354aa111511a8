"""What the scanner must find, what it must leave alone, and what masking must never let through."""

from __future__ import annotations

import base64
import json
import os
import random
import string
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labnb.adapters.secrets import DetectSecretsScanner
from labnb.adapters.secrets.environ import secret_variables
from labnb.model.redaction import redact


def made(*parts: str) -> str:
    """Put a secret together here, so that scanners of this repository find none in it."""
    return "".join(parts)


HEX40 = "5f2b8c1e9a7d4036b1c8e2f7a95d3064c7e1b28f"
RANDOM36 = "q7Gd83kfLw02ksPx91ZbTnV4mYcR6eHuA5jX"
BODY = "\n".join(base64.b64encode(random.Random(number).randbytes(48)).decode() for number in range(12))
PEM = made("-----BEGIN RSA PRIVATE", " KEY-----\n", BODY, "\n-----END RSA PRIVATE", " KEY-----")
JWT = made(
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
    ".eyJzdWIiOiIxMjM0NTY3ODkwIn0",
    ".dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
)

# (text with {} for the secret, secret)
SECRETS = {
    "aws id": ("client({})", made("AKIA", "QYLPMN5HNM4OZKXW")),
    "aws secret, ini": ("aws_secret_access_key = {}\n", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLq7Y"),
    "aws secret, python": ("aws_secret_access_key='{}'", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLq7Y"),
    "github": ("git clone https://{}@github.com/a/b", made("ghp_", RANDOM36)),
    "github fine-grained": ('t = "{}"', made("github_pat_", "11ABCDEFG0", RANDOM36)),
    "gitlab": ("# {}", made("glpat-", "xYz12-ABcdEF34ghIJkl")),
    "slack": ("token {}", made("xoxb-", "123456789012-1234567890123-AbCdEfGhIjKlMnOpQrStUvWx")),
    "slack hook": ("https://{}", made("hooks.slack", ".com/services/T0AB12CD3/B0AB12CD3/aBcD1234eFgH5678iJkL90mn")),
    "hugging face": ("login('{}')", made("hf_", "aBcDeFgHiJkLmNoPqRsTuVwXyZ12345678")),
    "openai": ("OpenAI('{}')", made("sk-", "abcD1234efGH5678ijKL9012mnOP3456qrST7890uvWX12yz")),
    "openai project": ("x={}", made("sk-proj-", "abcD1234_efGH5678-ijKL9012mnOP3456qrST7890uvWX12yz")),
    "anthropic": ("x={}", made("sk-ant-api03-", "abcD1234_efGH5678-ijKL9012mnOP3456qrST7890uvWX12yz-AA")),
    "google": ("https://maps?key={}", made("AIza", "SyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY")),
    "google oauth": ("{}", made("GOCSPX-", "aBcD1234eFgH5678iJkL90mn")),
    "wandb, login": ('wandb.login(key="{}")', HEX40),
    "wandb, variable": ("%env WANDB_API_KEY={}\n", HEX40),
    "wandb, netrc": ("machine api.wandb.ai\n  login user\n  password {}\n", HEX40),
    "stripe": ("x = '{}'", made("sk_", "live_", "4eC39HqLyjWDarjtT1zdp7dc")),
    "sendgrid": ("{}", made("SG.", "ngeVfQFYQlKU0ufo8x5d1A.TwL2iGABf9DHoTf-09kqeF8tAmbihYzrnopKc-1s5cr")),
    "azure": (
        "DefaultEndpointsProtocol=https;AccountName=a;AccountKey={};",
        made("lJzRc1YdHaAA2KCNJJ1tkYwF/+mKK6Ygw0NGe170Xu592euJv2wYUtBlV8z+qnlcNQSnI", "YVTkLWntUO1F8j8rQ=="),
    ),
    "telegram": ("telegram.Bot('{}')", made("110201543", ":AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw2")),
    "jwt": ("Authorization: Bearer {}", JWT),
    "bearer": ('headers = {{"Authorization": "Bearer {}"}}', RANDOM36),
    "basic": ("curl -H 'Authorization: Basic {}'", "YWRhOmxvdmVsYWNlMTg0Mw=="),
    "private key": ("key = '''{}'''", PEM),
    "private key in json": ('{{"private_key": "{}\\n"}}', PEM.replace("\n", "\\n")),
    "url": ("create_engine('postgresql://ada:{}@db.example:5432/lab')", "s3cret!pw"),
    "url without user": ("redis://:{}@cache:6379/0", "hunter2hunter2"),
    "password": ('password = "{}"', "hunter2"),
    "password, single quotes": ("db_password='{}'", "correct-horse"),
    "password with spaces": ('passphrase = "{}"', "correct horse battery staple"),
    "password, keyword argument": ('connect(user="ada", password="{}", port=1)', "Tr0ub4dor&3"),
    "password, comparison": ('if password == "{}":', "Tr0ub4dor&3"),
    "password, annotated": ('password: str = "{}"', "Tr0ub4dor&3"),
    "password, f-string": ('password = f"{}"', "Tr0ub4dor&3"),
    "password, json": ('{{"user": "ada", "password": "{}"}}', "Tr0ub4dor&3"),
    "password, yaml": ("db:\n  user: ada\n  password: {}\n", "Tr0ub4dor&3"),
    "password, yaml quoted": ("  password: '{}'\n", "lovelace"),
    "password, env": ("DB_PASSWORD={}\n", "Tr0ub4dor&3"),
    "password, export": ("export DB_PASSWORD={}\n", "hunter2hunter2"),
    "password, option": ("!mysql --user ada --password {} lab", "Tr0ub4dor&3"),
    "password, option =": ("mysql --password={} lab", "Tr0ub4dor&3"),
    "password, triple quotes": ('password = """{}"""', "Tr0ub4dor&3"),
    "password, notebook": (r'"source": ["password = \"{}\"\n"]', "Tr0ub4dor&3"),
    "password, notebook, single": (r""""db_password = '{}'\n",""", "Tr0ub4dor&3"),
    "magic in a notebook": (r'"%env LAB_PASSWORD={}\n",', "Tr0ub4dor&3"),
    "environ": ('os.environ["API_KEY"] = "{}"', "a81f2c77e0"),
    "setdefault": ('os.environ.setdefault("LAB_TOKEN", "{}")', RANDOM36),
    "auth pair": ('requests.get(url, auth=("ada", "{}"))', "Tr0ub4dor&3"),
    "api key": ("api_key='{}'", "a81f2c77e0b94d"),
    "api key, yaml": ("  api-key: {}\n", "a81f2c77e0b94d5533aa"),
    "api key in a query": ("https://api.example/v1?x=1&api_key={}&y=2", "a81f2c77e0b94d5533aa"),
    "client secret": ('client_secret="{}"', "8Q~xT3lPz"),
    "token": ('token = "{}"', RANDOM36),
    "token, hex": ("access_token: '{}'", HEX40),
    "django": ("SECRET_KEY = '{}'", "django-insecure-#g7x!k2p9w@q"),
}


@pytest.mark.parametrize("case", SECRETS)
def test_it_is_found_and_masked(case: str) -> None:
    text, secret = SECRETS[case][0].format(SECRETS[case][1]), SECRETS[case][1]
    padded = f"import os\nx = 1\n{text}\nprint(x)\n"
    findings = DetectSecretsScanner().scan(padded)
    assert findings, text
    masked = redact(padded, findings)
    assert secret not in masked, masked
    assert "[redacted]" in masked
    assert masked.startswith("import os\nx = 1\n")
    assert masked.endswith("print(x)\n")
    first = 3 + text[: text.index(secret)].count("\n")
    assert first in {finding.line for finding in findings}
    assert secret not in repr(findings)
    assert all(secret not in finding.kind for finding in findings)


NOT_SECRETS = [
    "token = tokenizer(x)",
    'key="value"',
    'df.groupby(key="species")',
    "password = getpass()",
    'password = getpass.getpass("Password: ")',
    'password = input("Enter your password: ")',
    'password = os.environ["DB_PASSWORD"]',
    'password = os.getenv("DB_PASSWORD", "")',
    'os.environ["HF_TOKEN"]',
    'api_key = os.environ.get("OPENAI_API_KEY")',
    "password=None",
    "def login(user: str, password: str) -> None:",
    "def login(user, password=None, token: str | None = None):",
    "connect(password=password, token=token)",
    "connect(password=self.password, api_key=config.api_key)",
    'password = "<your password>"',
    'password: "********"',
    'api_key = "YOUR_API_KEY"',
    'api_key="your-api-key-here"',
    "API_KEY=${API_KEY}",
    "export TOKEN=$(cat token)",
    "  password: ${{ secrets.DB_PASSWORD }}",
    "  password: {{ vault_password }}",
    'f"postgresql://{user}:{password}@{host}/db"',
    "postgresql://$USER:$PASSWORD@host/db",
    "https://example.org:8080/path@v2",
    "http://localhost:8888/lab?x=1",
    "git@github.com:a/b.git ssh://git@host:22/x",
    'tokenizer.pad_token = "[PAD]"',
    'eos_token="</s>", unk_token="<unk>"',
    'special = {"mask_token": "[MASK]", "sep_token": "[SEP]"}',
    'tokenizer = AutoTokenizer.from_pretrained("bert-base-uncased-v2")',
    "max_tokens=4096, num_tokens: 12345678",
    'tokens = ["the", "quick", "brown"]',
    'columns = ["password", "email_address"]',
    'help="The password of the user"',
    '"password": "The password that was given"',
    '{"type": "password", "secret": "string"}',
    'secret_name = "lab-database-credentials"',
    'token_type = "bearer"',
    'password_file = "db1-password"',
    'token_url="https://login.example/oauth2/v2.0/token"',
    "private_key = load_pem_private_key(data, None)",
    "print('password=' + password + ' and more 123')",
    'raise ValueError("wrong password: try again")',
    'if "-----BEGIN PRIVATE KEY-----" in text and "-----END PRIVATE KEY-----" in text: pass',
    "primary_key=True, foreign_key='users.id1'",
    'sort_keys=True, key="user_name_2"',
    f'commit = "{HEX40}"',
    f'"md5": "{HEX40[:32]}", "sha256": "{HEX40}{HEX40[:24]}"',
    f'"integrity": "sha512-{base64.b64encode(b"x" * 64).decode()}"',
    'run_id = "550e8400-e29b-41d4-a716-446655440000"',
    f'wandb: {{"git": {{"commit": "{HEX40}"}}}}',
    '<div class="sk-top-container sk-estimator-doc-link" id="sk-container-id-12">',
    "hf_hub_download(repo_id='org/model')",
    "[redacted] password = '[redacted]'",
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAoAAAAHgCAYAAAA10dzkAAAAOXRFWHRTb2Z0d2FyZQBNYXRwbG90bGliIHZlcnNp",
    "secret santa: who gets what in 2024?",
    "The token: a unit of text, e.g. 'cat1'",
    "AKIA is how AWS keys begin; ghp_ those of GitHub, sk- those of OpenAI",
    "-----BEGIN CERTIFICATE-----\nMIIDXTCCAkWgAwIBAgIJAJC1HiIAZAiIMA0GCSqGSIb3Df\n-----END CERTIFICATE-----",
    f"-----BEGIN PUBLIC KEY-----\n{BODY}\n-----END PUBLIC KEY-----",
]


@pytest.mark.parametrize("text", NOT_SECRETS)
def test_it_is_left_alone(text: str) -> None:
    for written in (text, json.dumps({"source": [f"{text}\n"]})):
        found = DetectSecretsScanner().scan(f"import os\n{written}\n")
        assert [(item.kind, item.secret) for item in found] == []


def test_values_of_secret_variables_are_found_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_SERVICE_TOKEN", "plain words only")
    monkeypatch.setenv("DB_PASSWORD", 'with "quotes" and \\')
    text = f'print("plain words only")\nlog {json.dumps(os.environ["DB_PASSWORD"])}\n'
    findings = DetectSecretsScanner().scan(text)
    assert [(item.kind, item.line) for item in findings] == [
        ("value of $LAB_SERVICE_TOKEN", 1),
        ("value of $DB_PASSWORD", 2),
    ]
    assert redact(text, findings) == 'print("[redacted]")\nlog "[redacted]"\n'


def test_which_variables_are_secret() -> None:
    secret = {
        "HF_TOKEN": "abcdefgh1",
        "AWS_SECRET_ACCESS_KEY": "/abcdefgh/ijkl",
        "OPENAI_API_KEY": "abcdefgh1",
        "MYSQL_PASSWORD": "abcdefgh1",
        "my_credential": "abcdefgh1",
        "JUPYTERHUB_API_TOKEN": "abcdefgh1",
        "SIGNING_KEY": "abcdefgh1",
    }
    others = {
        "SHORT_TOKEN": "abc",
        "GOOGLE_APPLICATION_CREDENTIALS": "/home/ada/key.json",
        "SSH_KEY": "~/.ssh/id_ed25519",
        "TOKENIZERS_PARALLELISM": "disabled",
        "KEYBOARD_LAYOUT": "qwertz-de",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null",
        "AWS_ACCESS_KEY_ID_FILE": "/etc/x",
        "PASSWORD_FILE": "/run/secrets/x",
        "PATH": "/usr/bin:/bin",
        "MAX_TOKENS": "12345678",
    }
    assert secret_variables({**secret, **others}) == secret


def test_lines_are_counted_whatever_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "İstanbul\n" * 3 + 'password = "hunter2"\r\n' + "ẞ\n" + 'x\napi_key = "a81f2c77e0"'
    assert [(item.line, item.secret) for item in DetectSecretsScanner().scan(text)] == [
        (4, "hunter2"),
        (7, "a81f2c77e0"),
    ]
    assert DetectSecretsScanner().scan("") == ()


def test_a_plain_word_is_masked_where_it_is_the_secret_only() -> None:
    text = 'password = "training"\ndef training(data): ...\n'
    masked = redact(text, DetectSecretsScanner().scan(text))
    assert masked == "password = [redacted]\ndef training(data): ...\n"


def test_a_cut_off_private_key_is_masked() -> None:
    text = PEM[: len(PEM) // 2]
    masked = redact(text, DetectSecretsScanner().scan(text))
    assert BODY[:40] not in masked
    assert BODY[200:240] not in masked


def test_the_version_names_variables_and_not_their_values(monkeypatch: pytest.MonkeyPatch) -> None:
    before = DetectSecretsScanner().version
    monkeypatch.setenv("NEW_LAB_TOKEN", "hidden-value-1")
    after = DetectSecretsScanner().version
    assert after != before
    assert "hidden-value-1" not in after


ALPHABET = string.ascii_letters + string.digits
WRAPPINGS = st.sampled_from(
    [
        'password = "{}"',
        "password='{}'",
        '{{"api_key": "{}"}}',
        'token = "{}"',
        "client_secret: '{}'",
        'os.environ["X_TOKEN"] = "{}"',
        "https://user:{}@host/path",
        "https://api/x?token={}&y=1",
    ]
)


@settings(max_examples=300, deadline=None)
@given(
    body=st.text(ALPHABET, min_size=20, max_size=60).filter(
        lambda text: sum(c.isdigit() for c in text) >= 3 and sum(c.isalpha() for c in text) >= 3 and len(set(text)) > 6
    ),
    wrapping=WRAPPINGS,
    before=st.text(max_size=80),
    after=st.text(max_size=80),
)
def test_masked_text_never_holds_the_secret(body: str, wrapping: str, before: str, after: str) -> None:
    text = f"{before}\n{wrapping.format(body)}\n{after}\nagain: {body}\n"
    masked = redact(text, DetectSecretsScanner().scan(text))
    assert body not in masked


@settings(max_examples=300, deadline=None)
@given(text=st.text(max_size=400))
def test_any_text_is_scanned_and_masking_is_complete(text: str) -> None:
    findings = DetectSecretsScanner().scan(text)
    masked = redact(text, findings)
    for finding in findings:
        assert finding.secret in text
        assert finding.secret not in masked
        assert 1 <= finding.line <= text.count("\n") + 1


def measure(text: str) -> float:
    scanner = DetectSecretsScanner()
    best = 9.0
    for _ in range(3):
        started = time.process_time()
        scanner.scan(text)
        best = min(best, time.process_time() - started)
    return best


def test_ordinary_text_costs_little() -> None:
    source = Path(json.__file__).read_text() + Path(subprocess.__file__).read_text() + Path(random.__file__).read_text()
    text = (source * (1_000_000 // len(source) + 1))[:1_000_000]
    assert measure(text) < 0.1, "50 ms on a quiet machine"
    image = base64.b64encode(random.Random(1).randbytes(750_000)).decode()
    assert measure(json.dumps({"image/png": image})) < 0.1
    numbers = "".join(f"epoch {n} loss {1 / (n + 1):.6f} acc {n % 97}\n" for n in range(30_000))
    assert measure(numbers) < 0.1


@pytest.mark.parametrize(
    "text",
    [
        "password" * 125_000,
        "password = " * 90_000,
        'password = "' + "a1" * 500_000,
        "://" * 330_000,
        "://" + "a:" * 500_000,
        "-----BEGIN RSA PRIVATE KEY-----\n" * 30_000,
        "-----BEGIN PRIVATE KEY-----" + "A" * 1_000_000,
        "eyJ" * 330_000,
        "sk-" * 330_000,
        "token: '" * 125_000,
        "aws" * 330_000,
        "a" * 1_000_000,
        "--password " * 90_000,
        "AKIA" * 250_000,
        "auth=('" * 140_000,
        "wandb" * 200_000,
    ],
    ids=lambda text: text[:16],
)
def test_hostile_texts_are_bounded(text: str) -> None:
    started = time.process_time()
    DetectSecretsScanner().scan(text)
    assert time.process_time() - started < 5


def test_detect_secrets_is_imported_only_when_asked() -> None:
    script = (
        "import sys; from labnb.adapters.secrets import DetectSecretsScanner\n"
        "DetectSecretsScanner().scan('password = \"hunter2\"; aws = 1; token = tokenizer(x)\\n')\n"
        "assert 'detect_secrets' not in sys.modules\n"
        "DetectSecretsScanner().scan('AccountKey=' + 'a1B2' * 22)\n"
        "assert 'detect_secrets' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).resolve().parents[3])
