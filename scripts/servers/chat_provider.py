"""A local stand-in for the two providers, speaking their wire formats over real HTTP.

    python -m scripts.servers.chat_provider --port 0

serves Gemini under /gemini and DeepSeek under /deepseek and prints where it listens. It answers
in chunks of a few bytes, so that characters and event lines arrive in pieces. Words in a prompt
choose a fault instead:

    [[status 500]]  any error status, with a body that the app must not pass on
    [[cut]]         the connection is closed in mid-stream
    [[short]]       the stream ends properly, but without the provider's end marker
    [[slow]]        a first piece, then silence for longer than a client should wait
    [[garbage]]     an event that is not JSON
"""

import argparse
import json
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CHUNK_BYTES = 7  # shorter than any line of an event, and no multiple of a character's bytes
SILENCE_S = 60
FAULT = re.compile(r"\[\[(?:status (?P<status>[45]\d\d)|(?P<kind>cut|short|slow|garbage))\]\]")
GEMINI_PATH = re.compile(r"/gemini/v1beta/models/[\w.-]+:streamGenerateContent\?alt=sse")
DEEPSEEK_PATH = "/deepseek/chat/completions"


def answer_to(prompt: str, turn: int = 1) -> str:
    """What both providers answer to the question of this turn, counted from 1."""
    return f"第{turn}轮: you said “{prompt}”. 你好世界 🦊 — that is all."


class BadRequest(Exception):
    """A request that the real API would refuse."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def expect(condition: object, message: str, status: int = 400) -> None:
    """Refuse the request unless the condition holds."""
    if not condition:
        raise BadRequest(status, message)


def is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def pieces_of(text: str, size: int = 9) -> Iterator[str]:
    """The text in several pieces, as a model would produce it."""
    for start in range(0, len(text), size):
        yield text[start : start + size]


class Gemini:
    """Google's format: CRLF line ends, whole objects, a finish reason in the last one."""

    @staticmethod
    def prompts(headers: Any, body: Any) -> list[str]:
        """What the user said so far, after a look at the shape of it all."""
        expect(headers.get("x-goog-api-key"), "API key missing", status=401)
        expect(set(body) == {"contents"}, "unknown or missing fields")
        prompts = []
        for place, content in enumerate(body["contents"]):
            expect(content["role"] == ("user", "model")[place % 2], "roles must alternate")
            expect(all(is_text(part["text"]) for part in content["parts"]), "parts need text")
            if content["role"] == "user":
                prompts.append("".join(part["text"] for part in content["parts"]))
        expect(body["contents"][-1]["role"] == "user", "the last turn must be the user's")
        return prompts

    @staticmethod
    def events(text: str, *, ended: bool) -> Iterator[str]:
        """The stream's events, with or without its end marker."""
        for piece in pieces_of(text):
            yield Gemini._event({"content": {"parts": [{"text": piece}], "role": "model"}})
        if ended:
            yield Gemini._event(
                {"content": {"parts": [{"text": ""}], "role": "model"}, "finishReason": "STOP"}
            )

    @staticmethod
    def _event(candidate: dict[str, Any]) -> str:
        chunk = {"candidates": [{**candidate, "index": 0}], "modelVersion": "local"}
        return f"data: {json.dumps(chunk, ensure_ascii=False)}\r\n\r\n"


class DeepSeek:
    """OpenAI's format as DeepSeek speaks it: keep-alive comments, null content, [DONE]."""

    @staticmethod
    def prompts(headers: Any, body: Any) -> list[str]:
        """What the user said so far, after a look at the shape of it all."""
        bearer = headers.get("Authorization", "")
        expect(re.fullmatch(r"Bearer \S+", bearer), "API key missing", status=401)
        expect(is_text(body["model"]) and body["stream"] is True, "model and stream are needed")
        messages = body["messages"]
        for message in messages:
            expect(message["role"] in ("system", "user", "assistant"), "unknown role")
            expect(is_text(message["content"]), "messages need content")
        expect(messages[-1]["role"] == "user", "the last message must be the user's")
        return [message["content"] for message in messages if message["role"] == "user"]

    @staticmethod
    def events(text: str, *, ended: bool) -> Iterator[str]:
        """The stream's events, with or without its end marker."""
        yield ": keep-alive\n\n"
        yield DeepSeek._event({"role": "assistant", "content": None})
        for piece in pieces_of(text):
            yield DeepSeek._event({"content": piece})
        if ended:
            yield DeepSeek._event({"content": ""}, finish_reason="stop")
            yield "data: [DONE]\n\n"

    @staticmethod
    def _event(delta: dict[str, Any], finish_reason: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        chunk = {"object": "chat.completion.chunk", "model": "local", "choices": [choice]}
        return f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n"


class Handler(BaseHTTPRequestHandler):
    """Answers one request after another on a connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            wire = self._wire_format()
            prompts = self._prompts(wire, body)
            self._answer(wire, prompts)
        except BadRequest as refusal:
            self._refuse(refusal.status, str(refusal))
        except ConnectionError:
            self.close_connection = True  # the client had enough

    def _wire_format(self) -> type[Gemini] | type[DeepSeek]:
        if GEMINI_PATH.fullmatch(self.path):
            return Gemini
        expect(self.path == DEEPSEEK_PATH, "no such path", status=404)
        return DeepSeek

    def _prompts(self, wire: type[Gemini] | type[DeepSeek], body: bytes) -> list[str]:
        content_type = self.headers.get("Content-Type", "")
        expect(content_type.startswith("application/json"), "send JSON")
        try:
            return wire.prompts(self.headers, json.loads(body))
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise BadRequest(400, "the body is not shaped as it must be") from error

    def _answer(self, wire: type[Gemini] | type[DeepSeek], prompts: list[str]) -> None:
        fault = FAULT.search(prompts[-1])
        if fault and fault["status"]:
            return self._refuse(int(fault["status"]), "SECRET of the upstream")
        kind = fault["kind"] if fault else None

        text = answer_to(prompts[-1], turn=len(prompts))
        stream = "".join(wire.events(text, ended=kind is None)).encode()
        if kind == "garbage":
            stream += b'data: {"choices": [{"del\n\n'
        self._start_stream()
        if kind == "cut":
            self._send(stream[: len(stream) // 2])
            self.close_connection = True
            return None
        self._send(stream)
        if kind == "slow":
            time.sleep(SILENCE_S)
        self.wfile.write(b"0\r\n\r\n")
        return None

    def _start_stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def _send(self, stream: bytes) -> None:
        for start in range(0, len(stream), CHUNK_BYTES):
            chunk = stream[start : start + CHUNK_BYTES]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))

    def _refuse(self, status: int, message: str) -> None:
        body = json.dumps({"error": {"code": status, "message": message}}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: only the line with the port belongs on the output."""


class Server(ThreadingHTTPServer):
    """Loopback only; threads that are still talking do not keep the process alive."""

    daemon_threads = True


def main() -> None:
    """Serve until the process is stopped."""
    parser = argparse.ArgumentParser(description="The providers' wire formats, on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    port = parser.parse_args().port
    with Server(("127.0.0.1", port), Handler) as server:
        print(f"listening on 127.0.0.1:{server.server_port}", flush=True)
        with suppress(KeyboardInterrupt):
            server.serve_forever()


if __name__ == "__main__":
    main()
