import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createNodeMiddleware, Webhooks } from '@octokit/webhooks';
import { SECRETS } from '../secrets.js';
import type { Running } from './running.js';

/**
 * Starts (d), the middleware of \@octokit/webhooks on node:http, with one handler that does nothing. It stores nothing.
 */
export async function octokit(): Promise<Running> {
  let handled = 0;
  const webhooks = new Webhooks({ secret: SECRETS.github });
  webhooks.on('check_run', () => {
    handled += 1;
  });
  const middleware = createNodeMiddleware(webhooks, { path: '/webhooks/github' });
  const server = createServer((request, response) => void middleware(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    handled: () => handled,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
