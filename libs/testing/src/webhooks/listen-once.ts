import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { INestApplication } from '@nestjs/common';

const LISTENING = Symbol('nestjs-runhooks:listening');
const EVERY_ADDRESS = ['::', '0.0.0.0'];

/** Starts an app's HTTP server unless it is running or starting. Returns its host and port. */
export async function listenOnce(app: INestApplication): Promise<{ host: string; port: number }> {
  const server = app.getHttpServer() as Server & { [LISTENING]?: Promise<unknown> };
  if (!server.listening) await (server[LISTENING] ??= app.listen(0, '127.0.0.1'));
  const { address, port } = server.address() as AddressInfo;
  return { host: EVERY_ADDRESS.includes(address) ? '127.0.0.1' : address, port };
}
