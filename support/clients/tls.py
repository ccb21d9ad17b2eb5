"""Whom the clients trust: one rule for all of them.

A ``ca_file`` alone where the environment names one, else the certificates of the system (``SSL_CERT_FILE`` and
``SSL_CERT_DIR`` are honoured), else nobody where it switches the check off.
"""

from __future__ import annotations

import ssl
from pathlib import Path

import urllib3
from urllib3.exceptions import InsecureRequestWarning

from support.config.errors import ConfigurationError

# The words of OpenSSL for what only its strict check refuses (X509_V_FLAG_X509_STRICT), and what would do.
_STRICT = {
    "Missing Authority Key Identifier": "an authority key identifier",
    "Missing Subject Key Identifier": "a subject key identifier",
    "Basic Constraints of CA cert not marked critical": "basic constraints that are marked critical",
    "CA cert does not include key usage extension": "a key usage extension",
    "Path length given without key usage keyCertSign": "the key usage keyCertSign",
    "Path length invalid for non-CA cert": "no path length in a certificate of a server",
    "Key usage keyCertSign invalid for non-CA cert": "no key usage keyCertSign in a certificate of a server",
    "Authority Key Identifier marked critical": "an authority key identifier that is not marked critical",
    "Subject Key Identifier marked critical": "a subject key identifier that is not marked critical",
    "Issuer name empty": "the name of its issuer",
    "Subject name empty": "a subject, or a subject alternative name that is marked critical",
    "Empty Subject Alternative Name extension": "a subject alternative name",
    "Certificate not version 3": "version 3",
}


def context(ca_file: Path | None, verify: bool, setting: str) -> ssl.SSLContext:
    """The context for one service. Raises :class:`ConfigurationError` for a file that holds no certificate."""
    if not verify:
        urllib3.disable_warnings(InsecureRequestWarning)  # it would be told of each request; the run tells it once
        careless = ssl.create_default_context()
        careless.check_hostname = False
        careless.verify_mode = ssl.CERT_NONE
        return careless
    try:
        return ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
    # A file of another kind is an SSLError, and so an OSError; one that is no text may be a ValueError.
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) else None
        told = f"cannot be read: {why}" if why else "holds no certificate that can be read"
        raise ConfigurationError(f"{setting}: file {ca_file} {told}; allowed: certificates in PEM format") from error


def described(ca_file: Path | None, verify: bool) -> str:
    """Whom a client trusts, in words."""
    if not verify:
        return "anybody (verify_tls is false)"
    if ca_file is not None:
        return f"only {ca_file}"
    paths = ssl.get_default_verify_paths()
    return f"the certificates of the system ({paths.cafile or paths.capath or 'there are none'})"


def explained(reason: object) -> str:
    """Why TLS failed; with what would help where it is only the stricter check of Python 3.13 that refuses."""
    text = str(reason)
    for words, missing in _STRICT.items():
        if words.lower() in text.lower():
            return (
                f"{text}: since version 3.13, Python refuses certificates that RFC 5280 does not allow "
                f"(VERIFY_X509_STRICT), although curl and browsers take them; it wants {missing}. "
                "Issue the certificate again, or run the suite with Python 3.12"
            )
    return text
