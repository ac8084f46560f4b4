from suite.test_conversation_reads import *  # noqa: F403 - the same tests on every side
