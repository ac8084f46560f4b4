from suite.test_jobs_http import *  # noqa: F403 - the same tests on every side
