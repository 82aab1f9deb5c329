import { rmSync, writeFileSync, writeSync } from 'node:fs';
import { sqliteInbox } from 'nestjs-runhooks/sqlite';
import { failureOf } from '../failure-of.js';
import { Sender } from '../sender.js';

const ROUNDS = 3;

const [file = '', during = ''] = process.argv.slice(2);
const silent = (): void => undefined;
const store = sqliteInbox({ path: file }).createStore({ debug: silent, log: silent, warn: silent, error: silent });
const sender = new Sender();
const refusals: string[] = [];

async function refused(): Promise<void> {
  writeFileSync(during, '');
  const failure = await failureOf(sender.send(store));
  refusals.push(failure instanceof Error ? failure.message : 'not rejected');
}

await store.open();
await sender.send(store);
for (let round = 0; round < ROUNDS; round += 1) {
  await refused();
  rmSync(during);
  await sender.send(store);
}
await refused();
writeSync(1, JSON.stringify({ refusals, acknowledged: [...sender.acknowledged] }));
// The fault persists and nothing is closed.
process.kill(process.pid, 'SIGKILL');
