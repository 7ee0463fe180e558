"""The API under requests made up from its own description, right and wrong ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi.openapi.utils import get_openapi
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    positive_data_acceptance,
    response_schema_conformance,
)
from served_library import TOKEN, FakeLibrary, Served, jpeg, serving

from photofind.daemon.api import create_api
from photofind.paths import Home
from photofind.web.actions import actions

EXAMPLES = 20
ENDLESS = ("/api/stop", "/api/events")
"""The one ends the server, the other does not end."""


def operations(document: dict[str, Any]) -> dict[str, Any]:
    schema = schemathesis.openapi.from_dict(document).exclude(path=list(ENDLESS))
    return {one.ok().label: one.ok() for one in schema.get_all_operations()}


def described(routes: Sequence[Any]) -> dict[str, Any]:
    """Return the description of routes, those too that are left out of the API's own."""
    for route in routes:
        route.include_in_schema = True
    return get_openapi(title="the page", version="1", routes=routes)


OPERATIONS = operations(create_api().openapi())
OF_THE_PAGE = operations(described(actions(FakeLibrary(Home(Path("/"))), bool).routes))
MADE_UP = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    root = tmp_path_factory.mktemp("fuzz")
    home = Home(root / "home")
    library = FakeLibrary(home)
    for number in range(3):
        photo = root / f"{number}.jpg"
        photo.write_bytes(jpeg())
        library.put(photo)
    with serving(home, library) as served:
        yield served


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("label", OPERATIONS)
def test_made_up_requests_are_answered_as_described(
    served: Served, label: str, mode: GenerationMode
) -> None:
    @MADE_UP
    @given(case=OPERATIONS[label].as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        token = {"Authorization": f"Bearer {TOKEN}"}
        response = case.call(base_url=f"http://127.0.0.1:{served.port}", headers=token)
        # No description says which paths there are on this machine.
        excluded = [positive_data_acceptance]
        if label == "GET /api/overview":  # Schemathesis takes its prefixItems for a mistake.
            excluded.append(response_schema_conformance)
        case.validate_response(response, excluded_checks=excluded)
        assert response.status_code < 500

    ask()


@pytest.mark.parametrize("label", OF_THE_PAGE)
def test_made_up_requests_of_the_page_are_answered(served: Served, label: str) -> None:
    @MADE_UP
    @given(case=OF_THE_PAGE[label].as_strategy())
    def ask(case: Any) -> None:
        token = {"Authorization": f"Bearer {TOKEN}"}
        assert (
            case.call(base_url=f"http://127.0.0.1:{served.port}", headers=token).status_code < 500
        )

    ask()


@pytest.mark.parametrize("label", OPERATIONS | OF_THE_PAGE)
def test_made_up_requests_without_the_token_reach_nothing(served: Served, label: str) -> None:
    asked = len(served.library.asked)

    @MADE_UP
    @given(case=(OPERATIONS | OF_THE_PAGE)[label].as_strategy())
    def ask(case: Any) -> None:
        assert case.call(base_url=f"http://127.0.0.1:{served.port}").status_code == 401

    ask()
    assert len(served.library.asked) == asked
