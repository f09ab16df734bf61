"""A provider for long runs, as a process of its own: it repeats what it was asked, and takes the keys it is told of.

`load_provider.py CERT KEY PORT API-KEY` prints its port and serves until it is killed. A line `also KEY` on stdin has
it take that key too, `only KEY` no other from then on; it says `ok` when it does. What a request wants stands in its body:

  model      `fail-500`, `fail-429`: that status; `fail-cut`: half an answer and an end; `fail-reset`: a reset
             `large-N`: an answer of N mebibytes
  user       `CHUNKS MILLISECONDS` of a stream

The answer's content is the last message's, its fingerprint the `x-generation` that the request carried.
"""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import ssl
import struct
import sys

JSON = (
    '{{"id":"chatcmpl-load","object":"chat.completion","created":1700000000,"model":"{model}","choices":[{{"index":0,'
    '"message":{{"role":"assistant","content":{content}}},"logprobs":null,"finish_reason":"stop"}}],"usage":'
    '{{"prompt_tokens":11,"completion_tokens":8,"total_tokens":19}},"system_fingerprint":"{generation}"}}'
)
CHUNK = (
    'data: {{"id":"chatcmpl-load","object":"chat.completion.chunk","created":1700000000,"model":"{model}","choices":'
    '[{{"index":0,"delta":{{"content":{content}}},"finish_reason":{finish}}}],"system_fingerprint":"{generation}"}}\n\n'
)


class Provider:
    def __init__(self, key: str) -> None:
        self.keys = {f"Bearer {key}"}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                fields = {}
                for line in head.split(b"\r\n")[1:-2]:
                    name, _, value = line.partition(b":")
                    fields[name.lower()] = value.strip().decode()
                body = await reader.readexactly(int(fields.get(b"content-length", 0)))
                if not await self.answer(fields, body, writer):
                    return
        except (OSError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.transport.abort()

    async def answer(self, fields: dict, body: bytes, writer: asyncio.StreamWriter) -> bool:
        if fields.get(b"authorization") not in self.keys:
            return await whole(writer, b"401 Unauthorized", b'{"error":{"message":"Incorrect API key provided"}}')
        wanted = json.loads(body)
        model, content = wanted["model"], wanted["messages"][-1]["content"]
        if model == "fail-500":
            return await whole(writer, b"500 Internal Server Error", b'{"error":{"message":"no"}}')
        if model == "fail-429":
            return await whole(writer, b"429 Too Many Requests", b'{"error":{"message":"slower"}}')
        if model == "fail-reset":
            raw = writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        if model.startswith("large-"):
            return await large(writer, int(model[6:]) << 20)
        values = {"model": model, "generation": fields.get(b"x-generation", "")}
        if wanted.get("stream"):
            await stream(writer, wanted.get("user") or "4 1", content, values)
            return model != "fail-cut"
        text = JSON.format(content=json.dumps(content), **values).encode()
        if model == "fail-cut":
            await whole(writer, b"200 OK", text, cut=len(text) // 2)
            return False
        return await whole(writer, b"200 OK", text)


async def whole(writer: asyncio.StreamWriter, status: bytes, body: bytes, cut: int = 0) -> bool:
    head = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (status, len(body))
    writer.write(head + (body[:cut] if cut else body))
    await writer.drain()
    return True


async def large(writer: asyncio.StreamWriter, size: int) -> bool:
    start, end = JSON.format(content='"@"', model="large", generation="0").encode().split(b"@")
    length = len(start) + size + len(end)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % length)
    writer.write(start)
    piece = b"x" * 65536
    for _ in range(size // len(piece)):
        writer.write(piece)
        await writer.drain()
    writer.write(end)
    await writer.drain()
    return True


async def stream(writer: asyncio.StreamWriter, shape: str, content: str, values: dict) -> None:
    chunks, pause = (int(word) for word in shape.split())
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    for number in range(chunks):
        if number:
            await asyncio.sleep(pause / 1000)
            if writer.transport.is_closing():
                return
        finish = '"stop"' if number == chunks - 1 else "null"
        data = CHUNK.format(content=json.dumps(f"{content}/{number}"), finish=finish, **values).encode()
        writer.write(b"%x\r\n%s\r\n" % (len(data), data))
        if values["model"] == "fail-cut" and number == chunks // 2:
            await writer.drain()
            return
    writer.write(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")
    await writer.drain()


async def main() -> None:
    certificate, key_file, port, key = sys.argv[1:]
    provider = Provider(key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key_file)
    server = await asyncio.start_server(
        provider.serve, "127.0.0.1", int(port), ssl=context, backlog=4096, reuse_address=True
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        word, key = line.decode().split()
        provider.keys = {f"Bearer {key}"} | (provider.keys if word == "also" else set())
        print("ok", flush=True)


if __name__ == "__main__":
    gc.freeze()
    asyncio.run(main())
