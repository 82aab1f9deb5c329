import type { INestApplication } from '@nestjs/common';

/** Listens on a free port, prints it, and closes the app when stdin ends. The process must then end by itself. */
export async function serve(app: INestApplication): Promise<void> {
  await app.listen(0, '127.0.0.1');
  console.log(`listening ${await app.getUrl()}`);
  process.stdin.once('end', () => void app.close()).resume();
}
