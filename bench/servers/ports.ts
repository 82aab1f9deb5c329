import { connect, createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const START_MS_MAX = 30_000;
const CHECK_MS = 20;

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Resolves when a server accepts connections at the port. */
export async function untilListening(port: number): Promise<void> {
  const deadline = performance.now() + START_MS_MAX;
  while (!(await isListening(port))) {
    if (performance.now() > deadline) throw new Error(`no server listens at port ${port} after ${START_MS_MAX} ms`);
    await sleep(CHECK_MS);
  }
}

async function isListening(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const settle = (result: boolean) => () => {
      socket.destroy();
      resolve(result);
    };
    socket.once('connect', settle(true)).once('error', settle(false));
  });
}
