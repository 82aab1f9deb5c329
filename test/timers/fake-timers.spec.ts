import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { postgresInbox } from 'nestjs-runhooks/postgres';
import { ADAPTERS } from '../e2e/http-app.js';
import { onPostgres, POSTGRES_URL, Schemas } from '../postgres/server.js';
import { liveUnderFakeTimers } from './faked-app.js';

afterEach(() => {
  jest.useRealTimers();
});

type Config = NonNullable<Parameters<typeof jest.useFakeTimers>[0]>;

/** Fastify itself does not start without these. */
const NEEDED = { express: [], fastify: ['nextTick', 'queueMicrotask'] } as const;

describe.each(ADAPTERS)('with fake timers of Jest before the app starts, on %s', (adapter) => {
  it.each<[title: string, config: Config & { doNotFake?: readonly ('Date' | 'performance')[] }]>([
    ['all of them', {}],
    ['all but Date', { doNotFake: ['Date', 'performance'] }],
    ['those that go on by themselves', { advanceTimers: true }],
    ['at a time of the test', { now: new Date('2020-02-29T12:00:00Z') }],
  ])('%s: it starts, receives, handles and stops', async (_, { doNotFake = [], ...config }) => {
    jest.useFakeTimers({ ...config, doNotFake: [...doNotFake, ...NEEDED[adapter]] });
    expect(await liveUnderFakeTimers(adapter)).toEqual(['run.completed', 'run.succeeded']);
  });

  it('the old ones: it starts, receives, handles and stops', async () => {
    jest.useFakeTimers({ legacyFakeTimers: true });
    expect(await liveUnderFakeTimers(adapter)).toEqual(['run.completed', 'run.succeeded']);
  });
});

onPostgres('with fake timers of Jest before an app on Postgres starts', () => {
  const schemas = new Schemas();

  it('starts, receives, handles and stops it, if the driver has its nextTick', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick'] });
    const inbox = postgresInbox({ connectionString: POSTGRES_URL, schema: schemas.next() });
    expect(await liveUnderFakeTimers('express', inbox)).toEqual(['run.completed', 'run.succeeded']);
    jest.useRealTimers();
  });
});
