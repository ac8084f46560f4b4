from suite.test_conversation_dao import *  # noqa: F403 - the same tests on every side
