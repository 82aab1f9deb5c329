import type { AddressInfo } from 'node:net';
import { fastify } from 'fastify';
import { isSignedByDbt, isSignedByParadime } from './hand-signatures.js';
import type { Running } from './running.js';

/** Starts (b), Fastify alone with body, HMAC and JSON.parse. */
export async function bareFastify(): Promise<Running> {
  let handled = 0;
  const app = fastify();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.post<{ Body: Buffer }>('/webhooks/dbt', async (request, reply) => {
    if (!isSignedByDbt(request.body, request.headers.authorization)) return await reply.code(401).send();
    if (JSON.parse(request.body.toString('utf8'))) handled += 1;
    return { status: 'accepted' };
  });
  app.post<{ Body: Buffer }>('/webhooks/paradime', async (request, reply) => {
    if (!isSignedByParadime(request.body, request.headers)) return await reply.code(401).send();
    if (JSON.parse(request.body.toString('utf8'))) handled += 1;
    return { status: 'accepted' };
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  return { port: (app.server.address() as AddressInfo).port, handled: () => handled, close: () => app.close() };
}
