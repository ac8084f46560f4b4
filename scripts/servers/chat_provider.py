"""A local stand-in for the two providers, speaking OpenAI's wire format over real HTTP.

Gemini is under /gemini and DeepSeek under /deepseek, on a free port of loopback. It answers in
chunks of a few bytes, so that characters and event lines arrive in pieces. Words in a prompt choose
a fault instead:

    [[status 500]]  any error status, with a body that the app must not pass on
    [[cut]]         the connection is closed in mid-stream
    [[short]]       the stream ends properly, but without the provider's end marker
    [[slow]]        a first piece, then silence for longer than a client should wait
    [[garbage]]     an event that is not JSON
"""

import json
import re
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, AnyStr

CHUNK_BYTES = 7  # shorter than any line of an event, and no multiple of a character's bytes
TEXT_CHARS = 9  # of an answer, in each event
SILENCE_S = 60
FAULT = re.compile(r"\[\[(?:status (?P<status>[45]\d\d)|(?P<kind>cut|short|slow|garbage))\]\]")
PATHS = ("/gemini/chat/completions", "/deepseek/chat/completions")


def answer_to(prompt: str, turn: int = 1) -> str:
    """What either provider answers to the question of this turn, counted from 1."""
    return f"第{turn}轮: you said “{prompt}”. 你好世界 🦊 — that is all."


class BadRequest(Exception):
    """The status and the message with which the real API would refuse a request."""


def expect(condition: object, message: str, status: int = 400) -> None:
    if not condition:
        raise BadRequest(status, message)


def slices(whole: AnyStr, size: int) -> Iterator[AnyStr]:
    """The whole in pieces of this size, the last perhaps shorter."""
    return (whole[start : start + size] for start in range(0, len(whole), size))


def is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def prompts_of(headers: Any, body: Any) -> list[str]:
    """What the user said so far, after a look at the shape of it all."""
    key = re.fullmatch(r"Bearer \S+", headers.get("Authorization", ""))
    expect(key, "API key missing", status=401)
    expect(is_text(body["model"]) and body["stream"] is True, "model and stream are needed")
    messages = body["messages"]
    for place, message in enumerate(messages):
        expect(message["role"] == ("user", "assistant")[place % 2], "roles must alternate")
        expect(is_text(message["content"]), "messages need content")
    expect(messages[-1]["role"] == "user", "the last message must be the user's")
    return [message["content"] for message in messages if message["role"] == "user"]


def events_of(text: str) -> list[str]:
    """The stream's events: a keep-alive comment first, null content, [DONE] in the last."""
    deltas = [{"role": "assistant", "content": None}]
    deltas += [{"content": piece} for piece in [*slices(text, TEXT_CHARS), ""]]
    events = [": keep-alive\n\n"]
    for delta in deltas:
        finish_reason = "stop" if delta["content"] == "" else None
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        chunk = {"object": "chat.completion.chunk", "model": "local", "choices": [choice]}
        events.append(f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n")
    events[-1] += "data: [DONE]\n\n"
    return events


class Handler(BaseHTTPRequestHandler):
    """Answers one request after another on a connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    error_content_type = "application/json"
    error_message_format = '{"error": {"code": %(code)d, "message": "%(message)s"}}'

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            expect(self.path in PATHS, "no such path", status=404)
            expect(self.headers.get_content_type() == "application/json", "send JSON")
            self._answer(prompts_of(self.headers, json.loads(body)))
        except BadRequest as refusal:
            self.send_error(*refusal.args)
        except (ValueError, LookupError, TypeError, AttributeError):
            self.send_error(400, "the body is not shaped as it must be")
        except ConnectionError:
            self.close_connection = True  # the client had enough

    def _answer(self, prompts: list[str]) -> None:
        fault = FAULT.search(prompts[-1])
        status, kind = fault.groups() if fault else (None, None)
        if status:
            raise BadRequest(int(status), "SECRET of the upstream")
        *events, end = events_of(answer_to(prompts[-1], turn=len(prompts)))
        stream = "".join(events).encode()
        stream += {None: end.encode(), "garbage": b'data: {"choices": [{"del\n\n'}.get(kind, b"")
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if kind == "cut":
            self._send(stream[: len(stream) // 2])
            self.close_connection = True
            return
        self._send(stream)
        if kind == "slow":
            time.sleep(SILENCE_S)
        self.wfile.write(b"0\r\n\r\n")

    def _send(self, stream: bytes) -> None:
        for chunk in slices(stream, CHUNK_BYTES):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the output is the guardian's."""


def serve_beside() -> str:
    """Serve from a thread for as long as this process lives; the base URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"
