"""The review pages on a small marketplace, people who may log in, and a client that sends forms as a browser does."""

import asyncio
import re
from html import unescape
from pathlib import Path
from typing import Any

import httpx
from argon2 import PasswordHasher
from starlette.applications import Starlette

from core.settings import Settings
from serving.casework.cases.case import Person
from serving.database.connection import open_database
from serving.review.app import create
from serving.review.web import people
from serving.review.web.settings import ReviewSettings
from tests.support.serving_market import make_home

PASSWORD = "correct horse battery staple"
REVIEWER, SECOND, MANAGER = Person("anna", "reviewer"), Person("ben", "reviewer"), Person("mara", "manager")
SELLER = Person("s3-shop", "seller", "s3")
QUICK = PasswordHasher(time_cost=1, memory_cost=1024)  # the real ones take as long as they are meant to
PEOPLE = (REVIEWER, SECOND, MANAGER, SELLER)


def app_of(settings: Settings, **review: Any) -> Starlette:
    """The application, with passwords that are quick to check."""
    people.HASHER = QUICK
    return create(settings, ReviewSettings(**review))


def make_review_home(home: Path) -> Settings:
    """A home with a champion, a store, and a login for every role."""
    people.HASHER = QUICK
    make_home(home)
    settings = Settings(home=home)
    engine = open_database(settings)
    for user in PEOPLE:
        people.add(engine, user, PASSWORD)
    engine.dispose()
    return settings


class InProcess(httpx.BaseTransport):
    """Carries requests to the application without a network."""

    def __init__(self, app: Starlette) -> None:
        self.inner = httpx.ASGITransport(app, raise_app_exceptions=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return asyncio.run(self._answer(request))

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        answer = await self.inner.handle_async_request(request)
        return httpx.Response(answer.status_code, headers=answer.headers.raw, content=await answer.aread())


class Browser:
    """A client with cookies that fills in and sends the forms of the last page, as a browser without script does."""

    def __init__(self, app: Starlette) -> None:
        self.client = httpx.Client(transport=InProcess(app), base_url="http://localhost:3100", follow_redirects=True)
        self.page = ""

    def get(self, path: str) -> httpx.Response:
        """Open a page."""
        return self._keep(self.client.get(path))

    def send(self, action: str, **fields: str) -> httpx.Response:
        """Send the form of the last page with that action, its hidden fields and these."""
        return self._keep(self.client.post(action, data={**hidden_fields(self.page, action), **fields}))

    def log_in(self, user: Person) -> httpx.Response:
        """Log in by the form."""
        self.get("/login")
        return self.send("/login", name=user.name, password=PASSWORD)

    def _keep(self, response: httpx.Response) -> httpx.Response:
        self.page = response.text
        return response


def hidden_fields(page: str, action: str) -> dict[str, str]:
    """The hidden fields of the first form with that action."""
    form = re.search(rf'<form[^>]*action="{re.escape(action)}"[^>]*>(.*?)</form>', page, re.DOTALL)
    assert form, f"no form for {action} on the page"
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form[1])
    return {name: unescape(value) for name, value in found}
