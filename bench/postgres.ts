import { connect } from 'node:net';

export const POSTGRES_URL = process.env['POSTGRES_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';

/** Returns why the Postgres inbox cannot be measured here, or undefined if it can. */
export async function absenceOfPostgres(): Promise<string | undefined> {
  try {
    import.meta.resolve('nestjs-runhooks/postgres');
  } catch {
    return 'this build of the package lacks nestjs-runhooks/postgres';
  }
  const { hostname, port } = new URL(POSTGRES_URL);
  const isRunning = await new Promise<boolean>((resolve) => {
    const socket = connect(Number(port || 5432), hostname);
    const settleAs = (isRunning: boolean) => () => {
      socket.destroy();
      resolve(isRunning);
    };
    socket.once('connect', settleAs(true)).once('error', settleAs(false));
  });
  return isRunning ? undefined : 'no server is running at POSTGRES_URL or at its default 127.0.0.1:5432';
}
