import os

import aioftp
import pytest


@pytest.fixture(scope="session")
async def depot():
    client = aioftp.Client()
    await client.connect("127.0.0.1", int(os.environ["WL_FTP"]))
    await client.login()
    yield client
    await client.quit()
