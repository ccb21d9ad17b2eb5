"""Who may log in: create, list, change and remove users."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from environments.sandbox.mongodb.access import MECHANISMS, User, require
from environments.sandbox.mongodb.commands.registry import Request, command
from environments.sandbox.mongodb.errors import BAD_VALUE, MongoError


@command("usersInfo", "", "showCredentials showPrivileges filter")
def users_info(request: Request) -> dict[str, Any]:
    """Of this database; everybody may ask about himself."""
    for name in ("showCredentials", "showPrivileges", "filter"):
        if request.body.get(name):
            raise MongoError(BAD_VALUE, f"usersInfo with '{name}' is not supported by this server")
    users = request.server.users.of_database(request.database)
    wanted = request.body["usersInfo"]
    names = {wanted} if isinstance(wanted, str) else ({wanted.get("user")} if isinstance(wanted, dict) else None)
    if request.user is None or names != {request.user.name}:
        require(request.user, request.database, "users", request.name)
    return {"users": [user.describe() for user in users if names is None or user.name in names]}


@command("createUser", "users", "pwd roles mechanisms digestPassword")
def create_user(request: Request) -> dict[str, Any]:
    password, roles = request.need("pwd", str), request.need("roles", list)
    mechanisms = request.option("mechanisms", list, list(MECHANISMS))
    request.server.users.add(User.create(request.collection, password, request.database, roles, mechanisms))
    return {}


@command("updateUser", "users", "pwd roles mechanisms digestPassword")
def update_user(request: Request) -> dict[str, Any]:
    """A new password, new roles, or both; connections that are logged in stay as they are."""
    users, name = request.server.users, request.collection
    user = users.find(request.database, name)
    if user is None:
        raise MongoError(11, f"User '{name}@{request.database}' not found")
    roles = request.option("roles", list)
    password = request.option("pwd", str)
    mechanisms = request.option("mechanisms", list, list(user.keys))
    if roles is not None:
        user = replace(user, roles=User.create(name, "", request.database, roles, ()).roles)
    if password is not None:
        user = replace(user, keys=User.create(name, password, request.database, (), mechanisms).keys)
    users.replace(user)
    return {}


@command("dropUser", "users")
def drop_user(request: Request) -> dict[str, Any]:
    request.server.users.remove(request.database, request.collection)
    return {}


@command("dropAllUsersFromDatabase", "users")
def drop_all_users(request: Request) -> dict[str, Any]:
    users = request.server.users.of_database(request.database)
    for user in users:
        request.server.users.remove(user.database, user.name)
    return {"n": len(users)}
