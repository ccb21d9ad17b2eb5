"""MongoDB's error replies: a code, its name and a message."""

from __future__ import annotations

from enum import IntEnum
from typing import Any


class Code(IntEnum):
    """The codes with a name, as MongoDB names them; any other code is called ``Location<code>``."""

    InternalError = 1
    BadValue = 2
    FailedToParse = 9
    Unauthorized = 13
    TypeMismatch = 14
    Overflow = 15
    InvalidLength = 16
    ProtocolError = 17
    AuthenticationFailed = 18
    IllegalOperation = 20
    NamespaceNotFound = 26
    IndexNotFound = 27
    PathNotViable = 28
    ConflictingUpdateOperators = 40
    CursorNotFound = 43
    MaxTimeMSExpired = 50
    DollarPrefixedFieldName = 52
    CommandNotFound = 59
    ImmutableField = 66
    CannotCreateIndex = 67
    InvalidOptions = 72
    InvalidNamespace = 73
    NoReplicationEnabled = 76
    IndexOptionsConflict = 85
    IndexKeySpecsConflict = 86
    CommandNotSupported = 115
    NotAReplicaSet = 123
    InvalidPipelineOperator = 168
    IndexBuildAborted = 276
    CannotConvertIndexToUnique = 359
    DuplicateKey = 11000


class MongoError(Exception):
    """An error that becomes ``{"ok": 0, "errmsg", "code", "codeName"}`` or, in a write, an entry of ``writeErrors``."""

    def __init__(self, code: int, message: str, **details: Any) -> None:
        super().__init__(message)
        self.code = int(code)
        self.message = message
        self.details = details

    @property
    def code_name(self) -> str:
        return Code(self.code).name if self.code in Code._value2member_map_ else f"Location{self.code}"

    def reply(self) -> dict[str, Any]:
        """The body of a failed command."""
        return {"ok": 0.0, "errmsg": self.message, "code": self.code, "codeName": self.code_name, **self.details}

    def write_error(self, index: int) -> dict[str, Any]:
        """One entry of ``writeErrors``; ``index`` counts the statements of the command from 0."""
        return {"index": index, "code": self.code, **self.details, "errmsg": self.message}


def refused(what: str) -> MongoError:
    """The error for a feature that MongoDB has and this server lacks; ``what`` names it."""
    return MongoError(Code.CommandNotSupported, f"{what} is not supported by this server")
