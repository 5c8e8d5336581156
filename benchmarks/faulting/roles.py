"""Every route of the running service asked with every role's key, and with every kind of key that is none."""

import asyncio
import json
from collections.abc import Mapping

from benchmarks.faulting.caller import Answer, Caller
from benchmarks.faulting.serving import service
from core.settings import Settings
from serving.api.routes import ROUTES
from serving.api.routing import Route
from serving.database import api_keys
from serving.database.api_keys import ROLES, create, revoke, server_secret
from serving.database.connection import open_database

REFUSED = 401


def matrix(settings: Settings) -> dict[str, float]:
    """Cells asked, and those where the wrong caller came in or the right one did not; figures of docs/contract.md."""
    holders = _keys(settings)
    with service(settings):
        answers = asyncio.run(_asked(settings.port, holders))
    wrong = [cell for cell, answer in answers.items() if (answer.status != REFUSED) != _allowed(*cell)]
    refusals = {(answer.status, answer.body) for answer in answers.values() if answer.status == REFUSED}
    for name, who in wrong:
        print(f"{name} as {who}: {answers[name, who].status}", flush=True)
    return {"role_cells": len(answers), "role_cells_wrong": len(wrong), "role_refusals_told_apart": len(refusals) - 1}


def _keys(settings: Settings) -> dict[str, str]:
    """A key of each role, and of each kind that must not open anything."""
    engine, secret = open_database(settings), server_secret(settings)
    made = {role: create(engine, secret, role, [role], days=1) for role in ROLES}
    right = create(engine, secret, "right", ["admin"], days=1)
    revoked = create(engine, secret, "revoked", ["admin"], days=1)
    revoke(engine, api_keys.key_id_of(revoked))
    none = {"absent": "", "wrong": right[:-1] + ("A" if right[-1] != "A" else "B"), "unknown": api_keys.new_token()[1]}
    none |= {"expired": create(engine, secret, "expired", ["admin"], days=1e-9), "revoked": revoked}
    engine.dispose()
    return made | none


async def _asked(port: int, holders: Mapping[str, str]) -> dict[tuple[str, str], Answer]:
    caller = Caller(port)
    return {
        (route.name, who): await _ask(caller, route, {"authorization": f"Bearer {key}"} if key else {})
        for route in ROUTES.all
        for who, key in holders.items()
    }


async def _ask(caller: Caller, route: Route, headers: Mapping[str, str]) -> Answer:
    path = "/".join("x1" if part[:1] == "{" else part for part in route.path.split("/"))
    body = json.dumps(route.example).encode() if route.example else b""
    return await caller.send(route.method, path, body, {"content-type": "application/json", **headers})


def _allowed(name: str, who: str) -> bool:
    [route] = [route for route in ROUTES.all if route.name == name]
    return route.probe or who == "admin" or who in route.roles
