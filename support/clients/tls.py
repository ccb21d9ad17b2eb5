"""The rule for trusting certificates, the same for all clients.

If the environment names a fingerprint, only that certificate is trusted. If it switches the check off, any certificate
is accepted. If it names a ``ca_file``, only that file is trusted. Otherwise the certificates of the system are trusted
(``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` are honoured).
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import urllib3
from cryptography import x509
from urllib3.exceptions import InsecureRequestWarning

from support.config.errors import ConfigurationError

# The result of the run reports once that certificates are not verified (Environment.unverified_certificates).
urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

LOOK_S = 5.0
_OTHER_PIN = re.compile(r'Fingerprints did not match\. Expected "(\w+)", got "(\w+)"')
_OTHER_NAME = re.compile(r"(?:Hostname|IP address) mismatch, certificate is not valid for '([^']*)'")

# OpenSSL's messages for errors of its strict check only (X509_V_FLAG_X509_STRICT), and what the certificate needs.
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


class Trusting(Protocol):
    """The settings of a service that decide which certificates are trusted."""

    @property
    def ca_file(self) -> Path | None: ...
    @property
    def verify_tls(self) -> bool: ...
    @property
    def tls_fingerprint(self) -> str | None: ...


@dataclass(frozen=True)
class ServerTrust:
    """The trust settings in a section of an environment. ``pin`` is the SHA-256 of one certificate in hexadecimal."""

    section: str
    ca_file: Path | None
    verify: bool
    pin: str | None

    @classmethod
    def of(cls, settings: Trusting, section: str) -> ServerTrust:
        pinned = settings.tls_fingerprint
        return cls(section, settings.ca_file, settings.verify_tls, pinned and pinned.removeprefix("sha256:"))

    @property
    def checks_authority(self) -> bool:
        """Whether a trusted authority must have issued the certificate; a pinned certificate needs none."""
        return self.verify and self.pin is None

    def context(self) -> ssl.SSLContext:
        """Return the TLS context. With a pin, the caller must compare the certificate after the handshake.

        Raises :class:`ConfigurationError`.
        """
        return context(self.ca_file, self.checks_authority, f"{self.section}.ca_file")

    def __str__(self) -> str:
        if self.pin is not None:
            return f"only the certificate with the fingerprint sha256:{self.pin}"
        return described(self.ca_file, self.verify)


def context(ca_file: Path | None, verify: bool, setting: str) -> ssl.SSLContext:
    """Return the TLS context for one service. Raises :class:`ConfigurationError` for a file without certificates."""
    if not verify:
        urllib3.disable_warnings(InsecureRequestWarning)  # it would come with each request; the run reports it once
        careless = ssl.create_default_context()
        careless.check_hostname = False
        careless.verify_mode = ssl.CERT_NONE
        return careless
    try:
        return ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
    # A file of another kind raises SSLError, a subclass of OSError; a file that is not text may raise ValueError.
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) else None
        problem = f"cannot be read: {why}" if why else "holds no certificate that can be read"
        raise ConfigurationError(f"{setting}: file {ca_file} {problem}; allowed: certificates in PEM format") from error


def described(ca_file: Path | None, verify: bool) -> str:
    """Describe which certificates a client trusts."""
    if not verify:
        return "anybody (verify_tls is false)"
    if ca_file is not None:
        return f"only {ca_file}"
    paths = ssl.get_default_verify_paths()
    return f"the certificates of the system ({paths.cafile or paths.capath or 'there are none'})"


def names_at(host: str, port: int, asked_for: str) -> list[str]:
    """Return the names in the certificate of the server at ``host``:``port``, unverified and for display only.

    Empty if the server sends no certificate, or one without names.
    """
    try:
        with (
            socket.create_connection((host, port), LOOK_S) as plain,
            context(None, False, "").wrap_socket(plain, server_hostname=asked_for) as secured,
        ):
            certificate = x509.load_der_x509_certificate(secured.getpeercert(binary_form=True) or b"")
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound):
        return []
    return [*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))]


def explained(reason: object, section: str = "", names: Callable[[], Sequence[str]] = tuple) -> str:
    """Explain why TLS failed. Names the wrong setting of ``section``, and a remedy if only the stricter check of Python
    3.13 refuses the certificate. ``names`` returns the certificate's names, for a service with a setting to choose one.
    """
    text = str(reason)
    if other := _OTHER_PIN.search(text):
        return (
            f"{section}.tls_fingerprint: sha256:{other[1]} is not that of the certificate that answers, sha256:"
            f"{other[2]}; allowed: the fingerprint of the certificate, once you know that it is the right one"
        )
    if (other := _OTHER_NAME.search(text)) and (known := names()):
        return (
            f"{section}.tls_server_name: hostname mismatch, {other[1]!r} is not a name of the certificate that "
            f"answers; allowed: {', '.join(known)}"
        )
    for words, missing in _STRICT.items():
        if words.lower() in text.lower():
            return (
                f"{text}: since version 3.13, Python refuses certificates that RFC 5280 does not allow "
                f"(VERIFY_X509_STRICT), although curl and browsers take them; it wants {missing}. "
                "Issue the certificate again, or run the suite with Python 3.12"
            )
    return text
