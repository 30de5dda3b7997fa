"""IAM roles, each with one inline policy."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deploy.standup.engine import Clients, Facts, Journal, Known
from deploy.standup.waiting import found

POLICY = "access"
_MISSING = ("NoSuchEntity",)


def allow(actions: Sequence[str], *resources: str) -> dict[str, Any]:
    """A statement of a policy."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


@dataclass(frozen=True)
class Role:
    """A role that `service` may assume, allowed what `statements` say."""

    clients: Clients
    name: str
    role_name: str
    service: str
    statements: Sequence[dict[str, Any]]
    needs: Sequence[str] = ()

    def stand_up(self, known: Known, journal: Journal) -> Facts:  # noqa: ARG002
        """Create the role, or bring its policies to what is described."""
        iam = self.clients("iam")
        role = found(lambda: iam.get_role(RoleName=self.role_name), missing=_MISSING)
        trust = self._trust()
        if role is None:
            role = iam.create_role(
                RoleName=self.role_name,
                AssumeRolePolicyDocument=json.dumps(trust),
                Description="Made by launchday.",
            )
            journal.note(f"created the role {self.role_name}", self.take_down)
            self._allow()
        else:
            self._follow(role["Role"]["AssumeRolePolicyDocument"], trust, journal)
        return {"arn": role["Role"]["Arn"], "name": self.role_name}

    def _follow(self, trusted: dict[str, Any], trust: dict[str, Any], journal: Journal) -> None:
        iam = self.clients("iam")
        if trusted != trust:
            self._trusting(trust)
            journal.note(f"changed who may assume {self.role_name}", lambda: self._trusting(trusted))
        policy = found(
            lambda: iam.get_role_policy(RoleName=self.role_name, PolicyName=POLICY), missing=_MISSING
        )
        before = policy["PolicyDocument"] if policy else None
        if before != self._policy():
            self._allow()
            journal.note(f"changed what {self.role_name} may do", lambda: self._allow(before))

    def _trusting(self, trust: dict[str, Any]) -> None:
        self.clients("iam").update_assume_role_policy(
            RoleName=self.role_name, PolicyDocument=json.dumps(trust)
        )

    def _allow(self, policy: dict[str, Any] | None = None) -> None:
        self.clients("iam").put_role_policy(
            RoleName=self.role_name, PolicyName=POLICY, PolicyDocument=json.dumps(policy or self._policy())
        )

    def _trust(self) -> dict[str, Any]:
        statement = {"Effect": "Allow", "Principal": {"Service": self.service}, "Action": "sts:AssumeRole"}
        return {"Version": "2012-10-17", "Statement": [statement]}

    def _policy(self) -> dict[str, Any]:
        return {"Version": "2012-10-17", "Statement": list(self.statements)}

    def take_down(self) -> None:
        """Delete the role and its policy."""
        iam = self.clients("iam")
        found(lambda: iam.delete_role_policy(RoleName=self.role_name, PolicyName=POLICY), missing=_MISSING)
        found(lambda: iam.delete_role(RoleName=self.role_name), missing=_MISSING)
