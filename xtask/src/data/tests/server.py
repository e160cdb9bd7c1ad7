"""A file server with ranges, for the tests of `cargo xtask data`.

usage: server.py FOLDER LOG. Prints its port, then logs a line a request: path, range, status.
The first part of a path says how it behaves: /whole/NAME, /cut/NAME (breaks off halfway unless
asked for a range), /rangeless/NAME (gives everything whatever it is asked for).
"""

import http.server
import os
import re
import sys

FOLDER, LOG = sys.argv[1:]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        _, manner, name = self.path.split("/", 2)
        asked = self.headers.get("Range", "-")
        path = os.path.join(FOLDER, name)
        if not os.path.isfile(path):
            self.answer(404, asked, b"no such file", {})
            return
        with open(path, "rb") as file:
            content = file.read()
        match = re.fullmatch(r"bytes=(\d+)-", asked)
        if match and manner != "rangeless":
            start = int(match[1])
            if start >= len(content):
                self.answer(416, asked, b"", {"Content-Range": f"bytes */{len(content)}"})
                return
            span = f"bytes {start}-{len(content) - 1}/{len(content)}"
            self.answer(206, asked, content[start:], {"Content-Range": span})
            return
        self.answer(200, asked, content, {}, cut=manner == "cut")

    def answer(self, status, asked, body, headers, cut=False):
        with open(LOG, "a") as log:
            log.write(f"{self.path} {asked} {status}\n")
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)
        self.close_connection = True

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
