import asyncio


class Orders:
    def __init__(self):
        self.heard = []
        self._next = None

    def next(self):
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
        return self._next

    def hear(self, future):
        self.heard.append(future.result())


orders = Orders()
