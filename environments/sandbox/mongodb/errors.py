"""MongoDB's error replies: a code, its name, and a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CODE_NAMES: Mapping[int, str] = {
    1: "InternalError",
    2: "BadValue",
    9: "FailedToParse",
    11: "UserNotFound",
    13: "Unauthorized",
    14: "TypeMismatch",
    16: "InvalidLength",
    18: "AuthenticationFailed",
    20: "IllegalOperation",
    26: "NamespaceNotFound",
    27: "IndexNotFound",
    28: "PathNotViable",
    31: "RoleNotFound",
    40: "ConflictingUpdateOperators",
    43: "CursorNotFound",
    48: "NamespaceExists",
    50: "MaxTimeMSExpired",
    52: "DollarPrefixedFieldName",
    59: "CommandNotFound",
    66: "ImmutableField",
    67: "CannotCreateIndex",
    68: "IndexAlreadyExists",
    72: "InvalidOptions",
    73: "InvalidNamespace",
    76: "NoReplicationEnabled",
    85: "IndexOptionsConflict",
    86: "IndexKeySpecsConflict",
    115: "CommandNotSupported",
    121: "DocumentValidationFailure",
    123: "NotAReplicaSet",
    125: "CommandFailed",
    168: "InvalidPipelineOperator",
    238: "NotImplemented",
    11000: "DuplicateKey",
    17280: "KeyTooLong",
    51003: "Location51003",
    10334: "BSONObjectTooLarge",
}

INTERNAL_ERROR = 1
BAD_VALUE = 2
FAILED_TO_PARSE = 9
UNAUTHORIZED = 13
TYPE_MISMATCH = 14
AUTHENTICATION_FAILED = 18
ILLEGAL_OPERATION = 20
NAMESPACE_NOT_FOUND = 26
INDEX_NOT_FOUND = 27
PATH_NOT_VIABLE = 28
CONFLICTING_UPDATE = 40
CURSOR_NOT_FOUND = 43
NAMESPACE_EXISTS = 48
MAX_TIME_EXPIRED = 50
COMMAND_NOT_FOUND = 59
IMMUTABLE_FIELD = 66
CANNOT_CREATE_INDEX = 67
INVALID_OPTIONS = 72
INVALID_NAMESPACE = 73
NO_REPLICATION = 76
INDEX_OPTIONS_CONFLICT = 85
INDEX_KEY_SPECS_CONFLICT = 86
NOT_SUPPORTED = 115
VALIDATION_FAILURE = 121
DUPLICATE_KEY = 11000
UNKNOWN_FIELD = 40415
DOLLAR_PREFIXED = 52
NOT_A_REPLICA_SET = 123
MISSING_FIELD = 40414


class MongoError(Exception):
    """Becomes ``{"ok": 0, "errmsg", "code", "codeName"}`` or, inside a write, one entry of ``writeErrors``."""

    def __init__(self, code: int, message: str, **details: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details

    @property
    def code_name(self) -> str:
        return CODE_NAMES.get(self.code, f"Location{self.code}")

    def reply(self) -> dict[str, Any]:
        """The body of a failed command."""
        return {"ok": 0.0, "errmsg": self.message, "code": self.code, "codeName": self.code_name, **self.details}

    def write_error(self, index: int) -> dict[str, Any]:
        """One entry of ``writeErrors``; ``index`` counts the statements of the command from 0."""
        return {"index": index, "code": self.code, **self.details, "errmsg": self.message}
