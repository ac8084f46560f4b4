import asyncio

import pytest


def test_page(playwright):
    assert playwright.chromium.name == "chromium"


@pytest.mark.asyncio
async def test_api():
    await asyncio.sleep(0)
