import os

import grpc

kept = []


def channel():
    if not kept:
        kept.append(grpc.aio.insecure_channel(os.environ["WL_GRPC"]))
    return kept[0]
