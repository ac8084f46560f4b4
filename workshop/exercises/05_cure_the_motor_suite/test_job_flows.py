from suite.test_job_flows import *  # noqa: F403 - the same tests on every side
