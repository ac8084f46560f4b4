"""URLs of servers: which database they name, and what of them may be shown."""

from dataclasses import replace

import pytest

from scripts.servers.databases import database_name, with_path
from scripts.servers.external import plain
from scripts.servers.model import without_password
from tests.support.runs import SERVERS


@pytest.mark.parametrize(
    ("url", "options", "expected"),
    [
        ("mongodb://h:1/", {}, "mongodb://h:1/db"),
        ("mongodb://h:1/old", {}, "mongodb://h:1/db"),
        ("mongodb://h:1", {"appName": "fix-03"}, "mongodb://h:1/db?appName=fix-03"),
        ("mongodb://h/?appname=x&w=1", {"appName": "y"}, "mongodb://h/db?w=1&appName=y"),
        ("mongodb://u:p@h:1/", {}, "mongodb://u:p@h:1/db?authSource=admin"),
        ("mongodb://u:p@h:1/own", {}, "mongodb://u:p@h:1/db?authSource=own"),
        ("mongodb://u:p@h:1/own?authSource=x", {}, "mongodb://u:p@h:1/db?authSource=x"),
        ("mongodb://u:p@h:1/?authsource=x", {}, "mongodb://u:p@h:1/db?authsource=x"),
        ("mongodb://a:1,b:2,c:3/?replicaSet=r", {}, "mongodb://a:1,b:2,c:3/db?replicaSet=r"),
        ("mongodb+srv://u:p@cluster.example/", {}, "mongodb+srv://u:p@cluster.example/db?authSource=admin"),
        ("postgresql://u:p%40@h:1/own?sslmode=require", {}, "postgresql://u:p%40@h:1/db?sslmode=require"),
        ("postgresql://postgres@/postgres?host=/tmp/a%20b", {}, "postgresql://postgres@/db?host=/tmp/a%20b"),
    ],
)  # fmt: skip
def test_a_url_names_the_sides_database_and_keeps_everything_else(url, options, expected):
    assert with_path(url, "db", **options) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://u:s3cr3t@h/db", "postgresql://u:***@h/db"),
        ("postgresql://u:s3@cr3t@h/db", "postgresql://u:***@h/db"),
        ("mongodb://u:s3/cr:3t@h:1/db", "mongodb://u:***@h:1/db"),
        ("mongodb://u:s3 cr3t@h:1/db", "mongodb://u:***@h:1/db"),
        ("postgresql://h/db?user=u&password=s3cr3t&x=1", "postgresql://h/db?user=u&password=***&x=1"),
        ("mongodb://h/?tlsCertificateKeyFilePassword=s3cr3t", "mongodb://h/?tlsCertificateKeyFilePassword=***"),
        ("no server at mongodb://u:s3cr3t@h: refused", "no server at mongodb://u:***@h: refused"),
        ("postgresql://u@h:1/db", "postgresql://u@h:1/db"),
    ],
)  # fmt: skip
def test_passwords_are_masked_and_the_rest_is_shown(text, expected):
    assert without_password(text) == expected


@pytest.mark.parametrize("words", ["invalid port: 's3%2Fcr3t'", "user or s3/cr3t is wrong\nmore"])
def test_a_drivers_words_are_shown_without_the_password_in_any_form(words):
    shown = plain(ValueError(words), "mongodb://u:s3%2Fcr3t@h/")

    assert "***" in shown
    assert "cr3t" not in shown


def test_database_names_are_short_enough_and_tell_processes_apart():
    servers = replace(SERVERS, token="abc123")
    long = "fixed/03_" + 60 * "very_" + "long"

    names = {database_name(servers, f"{long}-gw{number}-4711") for number in range(3)}

    assert len(names) == 3
    assert all(len(name) == 63 and name.startswith("wrongloop_abc123_") for name in names)
    assert database_name(servers, "Fixed/01_ä b-12") == "wrongloop_abc123_fixed_01_b_12"
