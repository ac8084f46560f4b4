"""A probe: it tells whichloop where a Courier was built and when it is used. Fill it in."""

from typing import Any

from whichloop.observe import peek

from whichloop import TRACKER, Reading


class CourierProbe:
    """Found through the entry point in courier_probe-1.0.dist-info."""

    name = "courier"
    modules = ("courier",)

    def install(self, module: Any, patch: Any) -> None:
        """Called when `courier` is imported. `patch.after` and `patch.before` watch a method."""
        patch.after(module.Courier, "__init__", self._built)
        patch.before(module.Courier, "deliver", self._used)

    @staticmethod
    def _built(frame: Any, courier: Any, *args: Any) -> None:
        TRACKER.built(courier, "courier", "courier", frame, type_name="courier.Courier")

    @staticmethod
    def _used(frame: Any, courier: Any, *args: Any) -> None:
        TRACKER.used(TRACKER.find(courier), frame)

    def read(self, obj: Any) -> Reading | None:
        """What an object of this driver says of itself: its label and loops, or None."""
        if peek.class_of(obj) != ("courier", "Courier"):
            return None
        home = peek.attribute(obj, "home")
        return Reading("courier", (home,) if home is not None else (), ("home",))


PROBE = CourierProbe()
