"""Motor: a client takes the loop of its first operation, not of its construction."""

from whichloop.observe.probes.pymongo import ClientProbe


class MotorProbe(ClientProbe):
    name = "motor"
    modules = ("motor.core",)
    package = "motor."
    client = "AgnosticClient"
    operation = "get_io_loop"
    loop = "_io_loop"
    holders = ("collection", "database", "_client", "client")


PROBE = MotorProbe()
