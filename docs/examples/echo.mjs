// A service shows that it runs with a key, without showing it (docs/consumers.md).
// Call answer(body, process.env) from a POST route of yours and send what it gives.
// Try it: node echo.mjs 8080
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import { argv, env } from "node:process";
import { pathToFileURL } from "node:url";

// Only these may be asked about.
const VARIABLES = ["AWS_SECRET_ACCESS_KEY", "SUPABASE_SERVICE_ROLE_KEY", "PREFECT_API_KEY"];

const sign = (key, ...lines) => createHmac("sha256", key).update(lines.join("\n")).digest("hex");
const equal = (a, b) => a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));

export function answer(q, values) {
  const variable = String(q.variable);
  const reply = { secretguard: 1, variable };
  const key = VARIABLES.includes(variable) ? values[variable] : undefined;
  if (!key) return [503, { ...reply, error: "not-set" }];
  const asked = sign(key, "secretguard-ask-v1", variable, String(q.nonce), String(q.time));
  const late = !(Math.abs(Date.now() / 1000 - Number(q.time)) <= 300);
  if (q.secretguard !== 1 || !q.nonce || late || !equal(asked, String(q.proof))) {
    return [401, { ...reply, error: "refused" }];
  }
  return [200, { ...reply, proof: sign(key, "secretguard-answer-v1", variable, String(q.nonce)) }];
}

if (argv[1] && import.meta.url === pathToFileURL(argv[1]).href) {
  const server = createServer((req, res) => {
    let body = "";
    req.on("data", (part) => {
      body += part;
      if (body.length > 4096) req.destroy();
    });
    req.on("end", () => {
      let q = null;
      try {
        q = JSON.parse(body);
      } catch {}
      const [status, reply] = q ? answer(q, env) : [400, { error: "no JSON" }];
      res.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(reply));
    });
  });
  server.listen(Number(argv[2] ?? 8080), "127.0.0.1", () => console.log(server.address().port));
}
