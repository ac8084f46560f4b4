import grpc
from server import serve

kept = []


def channel():
    if not kept:
        server, address = serve()
        kept.extend([grpc.aio.insecure_channel(address), server])
    return kept[0]
