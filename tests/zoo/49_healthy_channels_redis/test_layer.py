"""What suite 20 does to a client; this layer keeps connections for each loop, and is not hurt."""

import os

from asgiref.sync import async_to_sync
from channels_redis.core import RedisChannelLayer

layer = RedisChannelLayer(hosts=[os.environ["WL_REDIS"]])


def test_two_messages():
    async_to_sync(layer.send)("jobs", {"type": "done"})
    async_to_sync(layer.send)("jobs", {"type": "done"})
