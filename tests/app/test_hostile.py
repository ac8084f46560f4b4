"""What nobody sends by mistake: over real HTTP it is refused in plain words, or taken literally."""

import socket
import uuid
from typing import Any

import httpx
import pytest

from shared_app.main import MAX_BODY_BYTES
from tests.support.app import events_of

JSON = {"Content-Type": "application/json"}
UNKNOWN = uuid.uuid5(uuid.NAMESPACE_URL, "nobody")
VALID: dict[str, Any] = {
    "/jobs": {"title": "Engineer", "company": "Northwind"},
    "/conversations": {"title": "Chat"},
    f"/conversations/{UNKNOWN}/chat": {"provider": "gemini", "content": "anyone?"},
}
LAST_FIELD = {path: next(reversed(body)) for path, body in VALID.items()}

LONG = pytest.param(5_000 * "a", id="long")
NINES = pytest.param(5_000 * "9", id="nines")

SQL = (
    "'; DROP TABLE messages; --",
    "Robert'); DELETE FROM conversations WHERE ('1'='1",
    '" OR ""="',
    "$1 :title %s %(title)s {title}",
    "\\'; SELECT pg_sleep(60); --",
    "E'\\x27' || (SELECT version())",
)
BROKEN_UTF8 = ("%FF", "%C3", "%ED%A0%80", "%F8%88%80%80%80", "%C0%AF")


def refused(response: httpx.Response, status: int) -> None:
    """The answer is this refusal, in JSON and with a reason."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    assert response.json()["detail"]


def stored(app: httpx.Client) -> int:
    """How many jobs and conversations there are."""
    return sum(int(app.get(path).json()["total"]) for path in ("/jobs", "/conversations"))


@pytest.mark.parametrize("path", VALID)
@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b'{"title": "' + 5_000_000 * b"x" + b'"}', 413, id="5 MB"),
        pytest.param((MAX_BODY_BYTES + 1) * b" ", 413, id="a byte too long"),
        pytest.param(MAX_BODY_BYTES * b" ", 422, id="as long as can be"),
        pytest.param(100_000 * b"[" + 100_000 * b"]", 400, id="nested lists"),
        pytest.param(200_000 * b"[", 400, id="nested lists, never closed"),
        pytest.param(40_000 * b'{"a":' + b"1" + 40_000 * b"}", 400, id="nested objects"),
        pytest.param(b'{"title": ' + 500 * b"[" + 500 * b"]" + b"}", 422, id="nested, in a field"),
        pytest.param(b'{"title": "\xff\xfe"}', 400, id="no UTF-8"),
        pytest.param(b'{"title": "\xed\xa0\x80"}', 422, id="a surrogate in UTF-8"),
        pytest.param(b'{"title": "a\x00b"}', 422, id="a raw NUL"),
        pytest.param(b'{"title": ' + 5_000 * b"9" + b"}", 400, id="5,000 digits"),
        pytest.param(b'{"title": NaN}', 422, id="not a number"),
        pytest.param(b'{"title": 1e999}', 422, id="infinity"),
        pytest.param(b"", 422, id="nothing"),
        pytest.param(b"null", 422, id="null"),
        pytest.param(b"[]", 422, id="a list"),
        pytest.param(b'{"$where": "sleep(9000)"}', 422, id="an operator"),
        pytest.param(b"\x1f\x8b\x08\x00", 400, id="gzip"),
    ],
)
def test_a_body_that_is_none_of_ours_is_refused(app, path, body, status):
    refused(app.post(path, content=body, headers=JSON), status)
    assert stored(app) == 0


@pytest.mark.parametrize("path", VALID)
def test_a_body_without_a_length_is_counted_as_it_comes(app, path):
    pieces = (50_000 * b"x" for _ in range(100))

    refused(app.post(path, content=pieces, headers=JSON), 413)
    assert stored(app) == 0


def test_the_longest_message_fits_into_a_body(app):
    conversation = app.post("/conversations", json={"title": "Long"}).json()["id"]
    content = 20_000 * "🦊"
    question = {"provider": "gemini", "content": content}

    # Two \\u escapes for each character: there is no longer way to write it.
    body = httpx.Request("POST", app.base_url, json=question).content.decode("utf-8")
    body = body.encode("ascii", "backslashreplace").replace(b"\\U0001f98a", rb"\ud83e\udd8a")
    response = app.post(f"/conversations/{conversation}/chat", content=body, headers=JSON)

    assert len(body) > 240_000
    assert events_of(response)[-1][0] == "done"
    messages = app.get(f"/conversations/{conversation}").json()["messages"]
    assert messages[0]["content"] == content


@pytest.mark.parametrize("path", VALID)
@pytest.mark.parametrize("text", [r"a\u0000b", r"\u0000", r"\ud800", r"x\udfff", r"\udc00\ud800"])
def test_text_that_no_database_keeps_is_refused(app, path, text):
    fields = {**VALID[path], LAST_FIELD[path]: "TEXT"}
    body = httpx.Request("POST", app.base_url, json=fields).content.decode().replace("TEXT", text)

    refused(app.post(path, content=body.encode(), headers=JSON), 422)
    assert stored(app) == 0


@pytest.mark.parametrize("path", VALID)
@pytest.mark.parametrize(
    "content_type",
    [
        *(None, "text/plain", "application/xml", "application/x-www-form-urlencoded"),
        *("multipart/form-data", "multipart/form-data; boundary=x", "application", "\xff"),
    ],
)
def test_json_under_another_name_is_refused(app, path, content_type):
    body = httpx.Request("POST", app.base_url, json=VALID[path]).content
    headers = {} if content_type is None else {"Content-Type": content_type.encode("latin-1")}

    refused(app.post(path, content=body, headers=headers), 422)
    assert stored(app) == 0


@pytest.mark.parametrize("parameter", ["/jobs?page", "/jobs?page_size", "/conversations?page"])
@pytest.mark.parametrize(
    "value",
    [
        *(
            "-1",
            "0",
            "two",
            "1000001",
            str(2**31),
            str(2**63 - 1),
            str(2**63),
            str(-(2**63)),
            str(2**64),
        ),
        *(NINES, "1e3", "1.5", "NaN", "0x10", "", "null", "1;2", *BROKEN_UTF8, "%00"),
    ],
)
def test_a_page_beyond_all_pages_is_refused(client, parameter, value):
    refused(client.get(f"{parameter}={value}"), 422)


@pytest.mark.parametrize("path", ["/jobs", "/conversations"])
def test_the_last_page_that_can_be_asked_for_is_empty(app, path):
    response = app.get(path, params={"page": 1_000_000, "page_size": 100})

    assert response.status_code == 200
    assert response.json()["items"] == []


@pytest.mark.parametrize(
    "job_id",
    [
        *("1", "-1", "null", "$where", '{"$gt":""}', "[$ne]", "'; DROP TABLE jobs", LONG),
        *(str(UNKNOWN), "65f0000000000000000000ff%0A", "%0065f0000000000000000000ff"),
        *("\uff16\uff15f0000000000000000000ff", *BROKEN_UTF8, "%00", "%20", "%2e%2e"),
    ],
)
def test_an_id_of_the_wrong_kind_is_refused_for_a_job(client, job_id):
    refused(client.get(f"/jobs/{job_id}"), 422)


@pytest.mark.parametrize(
    "conversation_id",
    [
        *("1", "-1", "null", "65f0000000000000000000ff", "1' OR '1'='1", "';SELECT pg_sleep(60)--"),
        *(f"{UNKNOWN}%0A", f"{UNKNOWN}%00", f"{UNKNOWN}0", LONG, *BROKEN_UTF8, "%00", "%20"),
    ],
)
def test_an_id_of_the_wrong_kind_is_refused_for_a_conversation(client, conversation_id):
    question = {"provider": "gemini", "content": "anyone?"}

    refused(client.get(f"/conversations/{conversation_id}"), 422)
    refused(client.post(f"/conversations/{conversation_id}/chat", json=question), 422)


@pytest.mark.parametrize("text", SQL)
def test_sql_is_text_like_any_other(app, text):
    conversation = app.post("/conversations", json={"title": text}).json()
    path = f"/conversations/{conversation['id']}"

    answer = app.post(f"{path}/chat", json={"provider": "deepseek", "content": text})

    assert events_of(answer)[-1][0] == "done"
    read = app.get(path).json()
    assert (read["title"], read["messages"][0]["content"]) == (text, text)
    assert app.get("/conversations").json()["items"] == [conversation]


@pytest.mark.parametrize(
    "keyword",
    [
        *("(a+)+$", "(.*)*", "a{1,99}", ".*", "^", "$", "|", "[", "(?i)a", r"\x61", "(?#", r"\Q"),
        *("a\n", "{$gt: ''}", '{"$ne": null}', 100 * "(", 50 * r"\a", 100 * "🦊"),
        *(r"C.*+?^$()[]{}|\/&%#-'" + '"D', "a.b", "c.d", r"\d"),
    ],
)
def test_a_pattern_matches_only_itself(app, keyword):
    for title in (30 * "a" + "!", "aXb CXD 1", f"<{keyword}>"):
        assert app.post("/jobs", json={**VALID["/jobs"], "title": title}).status_code == 201

    page = app.get("/jobs", params={"keyword": keyword})

    assert [job["title"] for job in page.json()["items"]] == [f"<{keyword}>"]
    # What cannot be stored can be asked for.
    assert app.get("/jobs", params={"keyword": f"{keyword[:99]}\0"}).json()["items"] == []


@pytest.mark.parametrize("keyword", [101 * "x", 101 * "🦊", pytest.param(60_000 * ".", id="long")])
def test_a_keyword_longer_than_any_is_refused(client, keyword):
    refused(client.get("/jobs", params={"keyword": keyword}), 422)


@pytest.mark.parametrize("keyword", BROKEN_UTF8)
def test_a_keyword_in_broken_utf8_finds_nothing(app, keyword):
    app.post("/jobs", json=VALID["/jobs"])

    response = app.get(f"/jobs?keyword={keyword}")

    assert response.status_code == 200
    assert response.json()["items"] == []


@pytest.mark.parametrize("name", ["keyword[$ne]", "keyword[$regex]", "$where", "page[$gt]"])
def test_a_parameter_that_is_an_operator_is_none_of_ours(app, name):
    created = app.post("/jobs", json=VALID["/jobs"]).json()

    assert app.get("/jobs", params={name: ".*"}).json()["items"] == [created]


@pytest.mark.parametrize(
    "line",
    [
        b"GET /jobs/\xff\xfe HTTP/1.1",
        b"GET /jobs?keyword=\xff\xfe HTTP/1.1",
        b"GET /jobs\x00 HTTP/1.1",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"POST /jobs HTTP/1.1\r\nContent-Length: -1",
        b"POST /jobs HTTP/1.1\r\nContent-Length: 99999999999999999999999",
        b"GET /jobs?keyword=" + 100_000 * b"x" + b" HTTP/1.1",
    ],
)
def test_what_is_no_http_is_refused_and_the_app_goes_on(app, line):
    with socket.create_connection((app.base_url.host, app.base_url.port), timeout=10) as raw:
        raw.sendall(line + b"\r\nHost: app\r\nContent-Type: application/json\r\n\r\n")
        answer = raw.recv(65536)

    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 422 ")), answer
    assert app.get("/jobs").status_code == 200
