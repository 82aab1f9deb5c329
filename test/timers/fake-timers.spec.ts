import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { postgresInbox } from 'nestjs-runhooks/postgres';
import { ADAPTERS } from '../e2e/http-app.js';
import { onPostgres, POSTGRES_URL, Schemas } from '../postgres/server.js';
import { liveUnderFakeTimers } from './faked-app.js';

afterEach(() => {
  jest.useRealTimers();
});

type Config = NonNullable<Parameters<typeof jest.useFakeTimers>[0]>;

/** Timers that Fastify itself needs to start. */
const NEEDED = { express: [], fastify: ['nextTick', 'queueMicrotask'] } as const;

describe.each(ADAPTERS)("Jest's fake timers before the app starts, on %s", (adapter) => {
  it.each<[title: string, config: Config & { doNotFake?: readonly ('Date' | 'performance')[] }]>([
    ['all timers', {}],
    ['all timers but Date', { doNotFake: ['Date', 'performance'] }],
    ['timers that advance by themselves', { advanceTimers: true }],
    ['timers at a time set by the test', { now: new Date('2020-02-29T12:00:00Z') }],
  ])('let the app start, receive, handle and stop: %s', async (_, { doNotFake = [], ...config }) => {
    jest.useFakeTimers({ ...config, doNotFake: [...doNotFake, ...NEEDED[adapter]] });
    expect(await liveUnderFakeTimers(adapter)).toEqual(['run.completed', 'run.succeeded']);
  });

  it('let the app start, receive, handle and stop: legacy timers', async () => {
    jest.useFakeTimers({ legacyFakeTimers: true });
    expect(await liveUnderFakeTimers(adapter)).toEqual(['run.completed', 'run.succeeded']);
  });
});

onPostgres("Jest's fake timers before an app on Postgres starts", () => {
  const schemas = new Schemas();

  it('let it start, receive, handle and stop when the driver has the real nextTick', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick'] });
    const inbox = postgresInbox({ connectionString: POSTGRES_URL, schema: schemas.next() });
    expect(await liveUnderFakeTimers('express', inbox)).toEqual(['run.completed', 'run.succeeded']);
    jest.useRealTimers();
  });
});
