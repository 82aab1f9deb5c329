import { connect } from 'node:net';

export const POSTGRES_URL = process.env['POSTGRES_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';

/** Why the Postgres inbox cannot be measured here; undefined where it can. */
export async function absenceOfPostgres(): Promise<string | undefined> {
  try {
    import.meta.resolve('nestjs-runhooks/postgres');
  } catch {
    return 'this build of the package has no nestjs-runhooks/postgres';
  }
  const { hostname, port } = new URL(POSTGRES_URL);
  const isThere = await new Promise<boolean>((resolve) => {
    const socket = connect(Number(port || 5432), hostname);
    const tell = (answer: boolean) => () => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', tell(true)).once('error', tell(false));
  });
  return isThere ? undefined : 'no server answers at POSTGRES_URL, or at its default 127.0.0.1:5432';
}
