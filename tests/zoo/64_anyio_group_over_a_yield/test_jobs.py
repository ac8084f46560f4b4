import anyio


async def test_job_is_started(background):
    started = anyio.Event()

    async def job():
        started.set()
        await anyio.sleep_forever()

    background.start_soon(job)
    await started.wait()
