"""Sides of this repository do the same without whichloop: what explains must not touch.

The manifests say of every test of every side how it ends and with which error, and the project's
own tests hold the sides to it with whichloop switched on. Here broken/ and the four remedies of
`make tour` run with whichloop off: the command ends with 0 only if each is as documented.
`.ci/containers` runs all the other sides without whichloop, too.
"""

import json

import pytest

from tests.support.commands import scripts


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> dict[str, dict]:
    """{side: run.json} of `tour` without whichloop."""
    results = tmp_path_factory.mktemp("sides")
    scripts("tour", WRONGLOOP_RESULTS=str(results), WRONGLOOP_WHICHLOOP="off").must_exit(0)
    return {path.parent.name: json.loads(path.read_text()) for path in results.glob("*/run.json")}


def test_whichloop_was_off(runs):
    assert len(runs) == 5
    assert {side for side, run in runs.items() if run["loops"] or run["connections"]} == set()


def test_the_broken_side_fails_at_the_same_lines(runs):
    """Where the error was raised, too: no line of whichloop's comes in between."""
    places = {test["error"]["at"] for test in runs["broken"]["tests"] if test["error"]}

    assert len(places) >= 3
    assert all(place.startswith(("suite/", "shared_app/")) for place in places)
