from suite.test_conversation_api import *  # noqa: F403 - the same tests on every side
