import asyncio
import threading


async def test_event():
    event = asyncio.Event()
    waiting = asyncio.ensure_future(event.wait())
    await asyncio.sleep(0)
    errors = []

    def work():
        try:
            asyncio.run(event.wait())
        except RuntimeError as error:
            errors.append(error)

    thread = threading.Thread(target=work, name="worker")
    thread.start()
    await asyncio.to_thread(thread.join)
    event.set()
    await waiting
    if errors:
        raise errors[0]
