"""A test that never ends: its side is stopped at the limit, and the others go on."""

import pytest

from tests.support.commands import scripts

# A plugin, and not a line in the conftest: `make tour` refuses a side that has other changes than
# its remedy.toml names, and that of this one names the pytest.ini.
HANGING = """
import asyncio

import pytest


@pytest.fixture(autouse=True)
async def never_ends(request: pytest.FixtureRequest) -> None:
    if request.node.name == "test_hotjobs_flow":
        await asyncio.Event().wait()
"""


@pytest.mark.fault("A test of one remedy hangs (WRONGLOOP_LIMIT_S=25), under `make tour`")
def test_a_hanging_test(temporary, checkout, seen):
    folder = "fixed/03_function_fixture_loop_scope"
    (checkout.folder / "suite" / "hanging.py").write_text(HANGING, "utf-8")
    checkout.change(f"{folder}/pytest.ini", "-p suite.servers", "-p suite.servers -p suite.hanging")

    done = checkout.scripts("tour", TMPDIR=str(temporary), WRONGLOOP_LIMIT_S="25")

    assert done.code == 1
    assert "Remedy 3: INVALID." in done.out
    assert "Remedy 18 cures 17 of 17 failing tests" in done.out
    seen(
        done,
        "INVALID: it had not ended after 25 s (WRONGLOOP_LIMIT_S); running then:"
        " fixed/03_function_fixture_loop_scope/test_job_flows.py::TestJobCoreFlows"
        "::test_hotjobs_flow",
    )


@pytest.mark.fault("WRONGLOOP_LIMIT_S that is no number of seconds")
def test_a_limit_that_is_none(places, seen):
    done = scripts("reproduce", WRONGLOOP_LIMIT_S="soon", **places)

    assert done.code == 2
    seen(done, "error: WRONGLOOP_LIMIT_S='soon' is not a number of seconds above 0")
