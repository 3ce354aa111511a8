"""The secret scanner: lab credentials by their own rules, vendors' formats by detect-secrets."""

from labnb.adapters.secrets.scanner import DetectSecretsScanner

__all__ = ["DetectSecretsScanner"]
