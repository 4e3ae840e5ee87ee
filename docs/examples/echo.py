# A service shows that it runs with a key, without showing it (docs/attestation.md).
# Answer GET /.well-known/secretguard-echo with what echo() gives, or 404 for None.
# Try it: python3 echo.py 8080
import hashlib
import hmac
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

# Only these may be asked about.
VARIABLES = ("AWS_SECRET_ACCESS_KEY", "SUPABASE_SERVICE_ROLE_KEY", "PREFECT_API_KEY")


def echo(variable, nonce, values):
    key = values.get(variable) if variable in VARIABLES else None
    if not key or len(nonce) < 16:
        return None
    text = f"secretguard echo v1\0{variable}\0{nonce}"
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        path, _, query = self.path.partition("?")
        q = parse_qs(query)
        shown = None
        if path == "/.well-known/secretguard-echo":
            shown = echo(q.get("variable", [""])[0], q.get("nonce", [""])[0], os.environ)
        body = json.dumps({"hmac": shown} if shown else {}).encode()
        self.send_response(200 if shown else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    server = HTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 8080), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()
