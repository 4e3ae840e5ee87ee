// A service shows that it runs with a key, without showing it (docs/attestation.md).
// Answer GET /.well-known/secretguard-echo with what echo() gives, or 404 for null.
// Try it: node echo.mjs 8080
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import { argv, env } from "node:process";
import { pathToFileURL } from "node:url";

// Only these may be asked about.
const VARIABLES = ["AWS_SECRET_ACCESS_KEY", "SUPABASE_SERVICE_ROLE_KEY", "PREFECT_API_KEY"];

export function echo(variable, nonce, values) {
  const key = VARIABLES.includes(variable) ? values[variable] : undefined;
  if (!key || !nonce || nonce.length < 16) return null;
  return createHmac("sha256", key).update(`secretguard echo v1\0${variable}\0${nonce}`).digest("hex");
}

if (argv[1] && import.meta.url === pathToFileURL(argv[1]).href) {
  const server = createServer((req, res) => {
    const [path, query] = req.url.split("?", 2);
    const q = new URLSearchParams(query);
    const good = req.method === "GET" && path === "/.well-known/secretguard-echo";
    const hmac = good ? echo(q.get("variable"), q.get("nonce"), env) : null;
    res.writeHead(hmac ? 200 : 404, { "Content-Type": "application/json" }).end(JSON.stringify(hmac ? { hmac } : {}));
  });
  server.listen(Number(argv[2] ?? 8080), "127.0.0.1", () => console.log(server.address().port));
}
