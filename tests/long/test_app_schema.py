"""The app under its own OpenAPI: what is generated from it is answered as it says.

The schema is all that the generator knows. Half of the requests it makes are valid, half break one
rule of the schema at least. Seeds are fixed, so that two runs send the same.
"""

from collections import Counter
from collections.abc import Callable

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

ENOUGH = 2_000
# Per operation: valid ones, broken ones. The chat's are the dearest to make, and to answer.
EXAMPLES = {"POST /conversations/{conversation_id}/chat": (100, 50)}
OTHERWISE = (140, 140)

Sent = Counter[tuple[str, str, int]]
Makers = dict[str, Callable[[], str]]


@pytest.fixture
def makers(app: httpx.Client) -> Makers:
    """{path parameter: what makes something and gives its id}: a generator would find none."""

    def job() -> str:
        made = app.post("/jobs", json={"title": "Engineer", "company": "Northwind"})
        return str(made.json()["id"])

    def conversation() -> str:
        return str(app.post("/conversations", json={"title": "Chat"}).json()["id"])

    return {"job_id": job, "conversation_id": conversation}


def send_generated(
    operation: schemathesis.APIOperation,
    mode: GenerationMode,
    count: int,
    makers: Makers,
    session: requests.Session,
    sent: Sent,
) -> None:
    """Send up to `count` requests and check each answer; Schemathesis' errors show both."""

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        # Of the generator's own speed, which on a busy machine is anything.
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), exists=st.booleans())
    def send(case: schemathesis.Case, exists: bool) -> None:
        if exists and mode is GenerationMode.POSITIVE:
            case.path_parameters = {name: makers[name]() for name in case.path_parameters}
        response = case.call(session=session)
        sent[operation.label, mode.value, response.status_code] += 1
        case.validate_response(response)

    send()


def test_two_thousand_generated_requests_are_answered_as_the_schema_says(app, makers):
    schema = schemathesis.openapi.from_url(str(app.base_url.join("/openapi.json")))
    operations = [result.ok() for result in schema.get_all_operations()]
    sent: Sent = Counter()
    with requests.Session() as session:
        for operation in operations:
            positive, negative = EXAMPLES.get(operation.label, OTHERWISE)
            send_generated(operation, GenerationMode.POSITIVE, positive, makers, session, sent)
            send_generated(operation, GenerationMode.NEGATIVE, negative, makers, session, sent)

    print(f"{sent.total()} requests: {dict(sent)}")
    assert sent.total() >= ENOUGH
    assert not [key for key in sent if key[2] >= 500]
    # What a database that is away makes of any request is in the schema, too.
    assert all("503" in operation.definition.raw["responses"] for operation in operations)
    # The generator came past the validation, and not only as far as its refusals.
    for operation in operations:
        statuses = {status for label, _, status in sent if label == operation.label}
        assert statuses & {200, 201}, operation.label
        assert 422 in statuses, operation.label
        assert ("{" in operation.path) == (404 in statuses), operation.label
