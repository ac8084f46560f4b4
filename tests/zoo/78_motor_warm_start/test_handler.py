from handler import handler


def test_cold():
    assert handler({"name": "ann"}, None) == 0


def test_warm():
    assert handler({"name": "ann"}, None) == 0
