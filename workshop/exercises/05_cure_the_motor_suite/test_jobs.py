from suite.test_jobs import *  # noqa: F403 - the same tests on every side
