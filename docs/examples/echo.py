# A service shows that it runs with a key, without showing it (docs/consumers.md).
# Call answer(body, os.environ) from a POST route of yours and send what it gives.
# Try it: python3 echo.py 8080
import hashlib
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

# Only these may be asked about.
VARIABLES = ("AWS_SECRET_ACCESS_KEY", "SUPABASE_SERVICE_ROLE_KEY", "PREFECT_API_KEY")


def sign(key, *lines):
    return hmac.new(key.encode(), "\n".join(lines).encode(), hashlib.sha256).hexdigest()


def answer(q, values):
    variable = str(q.get("variable"))
    reply = {"secretguard": 1, "variable": variable}
    key = values.get(variable) if variable in VARIABLES else None
    if not key:
        return 503, {**reply, "error": "not-set"}
    nonce, asked_at = str(q.get("nonce") or ""), q.get("time")
    asked = sign(key, "secretguard-ask-v1", variable, nonce, str(asked_at))
    late = not isinstance(asked_at, int) or abs(time.time() - asked_at) > 300
    good = hmac.compare_digest(asked.encode(), str(q.get("proof")).encode())
    if q.get("secretguard") != 1 or not nonce or late or not good:
        return 401, {**reply, "error": "refused"}
    return 200, {**reply, "proof": sign(key, "secretguard-answer-v1", variable, nonce)}


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        try:
            q = json.loads(self.rfile.read(min(int(self.headers.get("Content-Length", 0)), 4096)))
            status, reply = answer(q, os.environ)
        except (ValueError, AttributeError):
            status, reply = 400, {"error": "no JSON"}
        body = json.dumps(reply).encode()
        self.send_response(status)
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
