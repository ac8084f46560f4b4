"""An example of a probe from outside whichloop, found by its entry point."""

from whichloop import TRACKER, Reading


class PigeonProbe:
    name = "pigeonpost"
    modules = ("pigeonpost",)

    def install(self, module, patch):
        patch.after(module.Pigeon, "__init__", self._built)
        patch.before(module.Pigeon, "fly", self._flies)

    @staticmethod
    def _built(frame, pigeon):
        TRACKER.built(pigeon, "pigeonpost", "pigeon", frame, type_name="pigeonpost.Pigeon")

    @staticmethod
    def _flies(frame, pigeon):
        TRACKER.used(TRACKER.find(pigeon), frame)

    def read(self, obj):
        if type(obj).__module__ != "pigeonpost":
            return None
        return Reading("pigeon", (obj.home,) if obj.home else (), ("home",))


PROBE = PigeonProbe()
