"""What is written of a session: the recording and the page, of all workers of pytest-xdist."""

import json
from pathlib import Path
from typing import Any

from whichloop.observe.tracker import TRACKER
from whichloop.present.html import html_page
from whichloop.recording import as_text, merged, of_json, to_json, write
from whichloop.records import Finding


class Output:
    """``written`` and ``unwritten`` are lines for the summary."""

    def __init__(self, config: Any) -> None:
        self.config = config
        self.written: list[str] = []
        self.unwritten: list[str] = []
        self._paths = {
            "recording": config.getoption("whichloop_record"),
            "page": config.getoption("whichloop_html"),
        }
        self._workers: dict[str, dict[str, Any]] = {}

    def worker_ended(self, node: Any) -> None:
        """Take what a worker has recorded."""
        output = getattr(node, "workeroutput", None) or {}
        if "whichloop" in output:
            self._workers[node.gateway.id] = json.loads(output["whichloop"])

    def finish(self, findings: tuple[Finding, ...]) -> None:
        """Send the recording to the controller, or write all that is asked for."""
        recording = TRACKER.whole()._replace(findings=findings)
        if hasattr(self.config, "workeroutput"):
            rows = to_json(recording, self.config.workerinput["workerid"])
            # As text: execnet would refuse a value of a subclass.
            self.config.workeroutput["whichloop"] = json.dumps(rows)
        else:
            parts = [self._workers[name] for name in sorted(self._workers)]
            self._write(merged(to_json(recording), parts))

    def _write(self, data: dict[str, Any]) -> None:
        for what, path in self._paths.items():
            if path:
                text = as_text(data) if what == "recording" else html_page(of_json(data))
                wrong = write(Path(path), text, what)
                self.unwritten += filter(None, [wrong])
                self.written += [] if wrong else [f"whichloop: {what} written to {path}"]
