from suite.test_simple_async import *  # noqa: F403 - the same tests on every side
