import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isSignedByDbt, isSignedByParadime } from './hand-signatures.js';
import type { Running } from './running.js';

let handled = 0;

/** Starts (a), node:http alone with body, HMAC and JSON.parse. */
export async function bareHttp(): Promise<Running> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => receive(request, response, Buffer.concat(chunks)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    handled: () => handled,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function receive(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
  const isSigned =
    request.url === '/webhooks/paradime'
      ? isSignedByParadime(body, request.headers)
      : isSignedByDbt(body, request.headers.authorization);
  if (!isSigned) {
    response.writeHead(401).end();
    return;
  }
  if (JSON.parse(body.toString('utf8'))) handled += 1;
  const text = JSON.stringify({ status: 'accepted' });
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }).end(text);
}
