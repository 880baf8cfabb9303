// Receives the vault's webhooks: checks each signature, does each delivery once.
// Set NOTIFICATION_SECRET as the vault has it, and PORT. Behind a proxy that speaks TLS.

import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

const MAX_BODY_BYTES = 4 * 1024 * 1024;
const TOLERANCE_SECONDS = 300;
const { NOTIFICATION_SECRET: secret, PORT: port = 3300 } = process.env;
if (!secret) throw new Error('NOTIFICATION_SECRET is not set');

// Those that were done. A vault repeats what it is not sure of; keep this in a table, for two days.
const done = new Set();

/** The delivery's id, or null unless the vault signed these bytes, and lately. */
function verified(headers, body) {
  const { 'x-databunker-delivery': delivery = '', 'x-databunker-signature': signature = '' } = headers;
  const [, at, given] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(signature) ?? [];
  if (!given) return null;
  const expected = createHmac('sha256', secret).update(`${delivery}.${at}.`).update(body).digest();
  if (!timingSafeEqual(Buffer.from(given, 'hex'), expected)) return null;
  return Math.abs(Date.now() / 1000 - Number(at)) <= TOLERANCE_SECONDS ? delivery : null;
}

/** Your work, or a row in your queue of work. A log must not have the person's data: nobody forgets it there. */
function handle({ action, identity = '' }) {
  console.log(action, identity);
}

async function read(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const server = createServer(async (request, response) => {
  const answer = (status) => response.writeHead(status).end();
  if (request.method !== 'POST') return answer(405);
  const body = await read(request);
  if (body === null) return answer(413);
  const delivery = verified(request.headers, body);
  if (delivery === null) return answer(403);
  if (!done.has(delivery)) {
    handle(JSON.parse(body));
    done.add(delivery);
  }
  return answer(204);
});

server.listen(port, '127.0.0.1', () => console.log(`listening on 127.0.0.1:${server.address().port}`));
