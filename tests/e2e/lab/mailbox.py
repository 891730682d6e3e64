# SPDX-License-Identifier: MIT
"""Takes whatever is posted and keeps it: a pager, a chat.

    mailbox.py ADDRESS PORT FILE      a line of FILE for each body
"""

import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Handler(BaseHTTPRequestHandler):
    """One POST."""

    def do_POST(self):
        """Keeps the body."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with open(sys.argv[3], "ab") as file:
            file.write(body + b"\n")
        self.send_response(202 if self.headers["Content-Type"] == "application/json" else 415)
        self.end_headers()


HTTPServer((sys.argv[1], int(sys.argv[2])), Handler).serve_forever()
