"""Nothing of a suite is kept alive by whichloop, however long the suite is.

`make bench-whichloop` does the same with 20,000 tests.
"""

import memory


def test_what_is_alive_at_the_end_is_what_is_without_whichloop():
    off, short, long = memory.kept(400, "off"), memory.kept(200), memory.kept(400)

    assert long.alive == off.alive
    assert long.alive == short.alive
    assert off.entries == 0 < short.entries
    assert long.entries <= short.entries + memory.SLACK
