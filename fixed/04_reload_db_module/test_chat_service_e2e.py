from suite.test_chat_service_e2e import *  # noqa: F403 - the same tests on every side
