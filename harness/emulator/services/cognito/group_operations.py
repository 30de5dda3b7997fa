"""Operations on groups and who is in them."""

from __future__ import annotations

from typing import Any

from harness.emulator.services.base import AwsError, CallContext
from harness.emulator.services.cognito.paging import page
from harness.emulator.services.cognito.pools import Group, Registry
from harness.emulator.services.cognito.shapes import user_shape

Json = dict[str, Any]
MAX_GROUPS_OF_POOL = 10_000
MAX_GROUPS_OF_USER = 100


class GroupOperations:
    """The operations, by their names in snake case."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def create_group(self, body: Json, _context: CallContext, now_s: float) -> Json:
        """Creates a group."""
        pool = self._registry.pool(body["UserPoolId"])
        name = body["GroupName"]
        if name in pool.groups:
            raise AwsError("GroupExistsException", "A group with the name already exists.")
        if len(pool.groups) >= MAX_GROUPS_OF_POOL:
            raise AwsError("LimitExceededException", "The number of groups exceeds the limit of 10000.")
        group = pool.groups[name] = Group(name, now_s, now_s)
        _set(group, body)
        return {"Group": group.describe(pool.id)}

    def get_group(self, body: Json, _context: CallContext, _now_s: float) -> Json:
        """A group."""
        pool = self._registry.pool(body["UserPoolId"])
        return {"Group": pool.group(body["GroupName"]).describe(pool.id)}

    def update_group(self, body: Json, _context: CallContext, now_s: float) -> Json:
        """Changes what is given."""
        pool = self._registry.pool(body["UserPoolId"])
        group = pool.group(body["GroupName"])
        _set(group, body)
        group.modified_s = now_s
        return {"Group": group.describe(pool.id)}

    def delete_group(self, body: Json, _context: CallContext, _now_s: float) -> None:
        """Deletes a group; its users stay."""
        pool = self._registry.pool(body["UserPoolId"])
        name = pool.group(body["GroupName"]).name
        del pool.groups[name]
        for user in pool.users:
            if name in user.groups:
                user.groups = tuple(group for group in user.groups if group != name)

    def list_groups(self, body: Json, _context: CallContext, _now_s: float) -> Json:
        """The groups of a pool."""
        pool = self._registry.pool(body["UserPoolId"])
        groups = sorted(pool.groups.values(), key=lambda group: group.name)
        found, token = page(groups, lambda group: group.name, body.get("NextToken"), body.get("Limit"))
        listed = [group.describe(pool.id) for group in found]
        return {"Groups": listed, **({"NextToken": token} if token else {})}

    def list_users_in_group(self, body: Json, _context: CallContext, _now_s: float) -> Json:
        """The users of a group."""
        pool = self._registry.pool(body["UserPoolId"])
        name = pool.group(body["GroupName"]).name
        users = (user for user in pool.users if name in user.groups)
        found, token = page(users, lambda user: user.ordinal, body.get("NextToken"), body.get("Limit"))
        return {"Users": [user_shape(user) for user in found], **({"NextToken": token} if token else {})}

    def admin_add_user_to_group(self, body: Json, _context: CallContext, now_s: float) -> None:
        """Puts a user in a group; nothing when it is there already."""
        pool = self._registry.pool(body["UserPoolId"])
        user = pool.users.get(body["Username"])
        name = pool.group(body["GroupName"]).name
        if name not in user.groups:
            if len(user.groups) >= MAX_GROUPS_OF_USER:
                raise AwsError("LimitExceededException", "A user can belong to 100 groups at most.")
            user.groups = (*user.groups, name)
        pool.meters.active(user, now_s)

    def admin_remove_user_from_group(self, body: Json, _context: CallContext, now_s: float) -> None:
        """Takes a user out of a group."""
        pool = self._registry.pool(body["UserPoolId"])
        user = pool.users.get(body["Username"])
        name = pool.group(body["GroupName"]).name
        user.groups = tuple(group for group in user.groups if group != name)
        pool.meters.active(user, now_s)

    def admin_list_groups_for_user(self, body: Json, _context: CallContext, _now_s: float) -> Json:
        """The groups of a user, by name."""
        pool = self._registry.pool(body["UserPoolId"])
        user = pool.users.get(body["Username"])
        groups = sorted(pool.groups_of(user), key=lambda group: group.name)
        found, token = page(groups, lambda group: group.name, body.get("NextToken"), body.get("Limit"))
        listed = [group.describe(pool.id) for group in found]
        return {"Groups": listed, **({"NextToken": token} if token else {})}


def _set(group: Group, body: Json) -> None:
    if body.get("Description") is not None:
        group.description = body["Description"]
    if body.get("RoleArn") is not None:
        group.role_arn = body["RoleArn"]
    if body.get("Precedence") is not None:
        group.precedence = body["Precedence"]
