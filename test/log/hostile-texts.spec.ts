import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Inbox, OnRunFailed, PermanentError, WEBHOOKS_STORE } from 'nestjs-runhooks';
import {
  StoreUnavailableError,
  type Provider,
  type Source,
  type Store,
  type DispatchTransport,
} from 'nestjs-runhooks/core';
import { LIMITS } from 'nestjs-runhooks/internal';
import { sqliteInbox } from 'nestjs-runhooks/sqlite';
import { dbtCloudWebhook, waitUntilIdle } from 'nestjs-runhooks/testing';
import { closeApps, LogLines, startApp, type HttpApp, type HttpSetup } from '../e2e/http-app.js';

/**
 * Marks strings that forge lines, clear a screen, reorder or hide parts of a line, or flood it. Each contains this
 * word.
 */
const WORD = 'hostile';
const TEXTS = [
  `${WORD}\n[Nest] 1 - LOG [Runhooks] Message msg_1 from source "dbt" was accepted`,
  `${WORD}\r\u001b[2K\u001b[1A\u001b]0;title\u0007\u009b31m\u0085\0\u007f`,
  `${WORD}\u2028\u2029\v\f`,
  `${WORD}\u202e\u202d\u2066\u2069\u200e\u200f\u061c`,
  `${WORD}\u200b\u200d\ufeff\u00ad\u{e0041}`,
  `${WORD}\ud800\udc00\udc00\ud800`,
  `${WORD} ${'\u202e🚀'.repeat(500_000)}`,
];
const UNPRINTABLE = /(?!\ufe0f)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/u;

/** Collects the arguments that Runhooks passes to the host's logger: a string and the context. */
class RunhooksLines extends LogLines {
  readonly given: string[] = [];

  constructor() {
    super();
    for (const level of ['log', 'warn', 'error', 'debug'] as const) {
      const add = this[level];
      this[level] = (...parts: unknown[]): void => {
        if (parts.at(-1) === 'Runhooks') this.given.push(String(parts[0]));
        add(...parts);
      };
    }
  }
}

let log: RunhooksLines;
beforeEach(() => {
  log = new RunhooksLines();
});

/** Expects every entry to be a single line, and each wanted line to contain a hostile string. */
function expectLines(...wanted: readonly RegExp[]): void {
  for (const line of log.given) {
    expect(line.length).toBeLessThanOrEqual(LIMITS.lineCharsMax);
    expect(line).not.toMatch(UNPRINTABLE);
  }
  const hostile = log.given.filter((line) => line.includes(WORD));
  for (const pattern of wanted) expect(hostile).toContainEqual(expect.stringMatching(pattern));
}

const start = (setup: HttpSetup = {}): Promise<HttpApp> => startApp('express', { ...setup, log });
const failed = () => dbtCloudWebhook({ event: 'failed' });

/** Returns a third-party source whose strings are all hostile. */
function hostileSource(text: string, changes: Partial<Provider>): Source {
  const provider: Provider = {
    name: text,
    signature: text,
    isOpenToAnyone: false,
    headersKept: [],
    verify: () => ({ ok: true }),
    identify: () => text,
    parse: () => ({ state: 'quarantined', reason: text }),
    hint: () => text,
    ...changes,
  };
  return { name: 'odd', provider: text, open: () => provider };
}

afterEach(closeApps);

describe.each(TEXTS.map((text) => ({ text })))('a string from outside (%#)', ({ text }) => {
  it('is logged in one line as the name and message of an error of a handler or listener', async () => {
    @Injectable()
    class Failing {
      @OnRunFailed({ id: 'retried' })
      retry(): never {
        throw Object.assign(new Error(text), { name: text });
      }
      @OnRunFailed({ id: 'given-up' })
      giveUp(): never {
        throw new PermanentError(text);
      }
      @OnEvent('run.failed', { suppressErrors: false })
      listen(): never {
        throw new Error(text);
      }
    }
    const httpApp = await start({ module: { providers: [Failing], imports: [EventEmitterModule.forRoot()] } });
    await httpApp.send(failed());
    await waitUntilIdle(httpApp.app).catch(() => undefined);
    expectLines(
      /^Delivery \S+ failed \(handler "retried", run\.failed:\S+, attempt 1 of \d+\): hostile.*Retrying in .*\[RUNHOOKS_ATTEMPT_FAILED\]$/,
      /is now a dead letter \(handler "given-up".*PermanentError: hostile.*Retry it with Inbox\.redrive/,
      /^Listener of run\.failed failed.*It is not retried \[RUNHOOKS_LISTENER_FAILED\]$/,
    );
  });

  it('is logged in one line as a name, hint or parse reason of a provider', async () => {
    const verify: Provider['verify'] = ({ headers }) =>
      headers['x-ok'] ? { ok: true } : { ok: false, check: 'missing-header', reason: text };
    const thrown = Object.assign(new Error(text), { name: text });
    let reads = 0;
    const read: Provider['parse'] = () => {
      if ((reads += 1) > 1) throw thrown;
      return { state: 'unrecognized', reason: text, messageType: text, payload: {} };
    };
    const httpApp = await start({ webhooks: { sources: [hostileSource(text, { verify, parse: read })] } });
    const names = Object.fromEntries(
      Array.from({ length: 40 }, (_, index) => [`x-${WORD}-${index}-${'x'.repeat(250)}`, '1']),
    );
    const request = (headers: Record<string, string>, body: string) => ({ body: Buffer.from(body), headers });
    await httpApp.send(request(names, '{}'), '/webhooks/odd');
    await httpApp.send(request({ 'x-ok': '1' }, '{"a":1}'), '/webhooks/odd');
    await httpApp.send(request({ 'x-ok': '1' }, '{"a":2}'), '/webhooks/odd');
    await waitUntilIdle(httpApp.app);
    expectLines(
      /^Source "odd" \(hostile/,
      /^Source "odd" rejected a request: 401 missing-header\. Headers: .*Further rejections are counted( \[RUNHOOKS_REQUEST_REJECTED\])?$/,
      /was not recognized: hostile/,
      /was quarantined: provider "hostile.*/,
    );
  });

  it('is logged in one line as an id, name or key in a signed message', async () => {
    const httpApp = await start();
    const data = { runId: text, jobId: text, jobName: text, runStatus: text, [text]: text };
    for (const payload of [
      { eventType: text },
      { eventId: text },
      { data },
      { [text]: [text], data: { jobName: text } },
    ]) {
      await httpApp.send(dbtCloudWebhook({ payload: payload as never }));
    }
    await waitUntilIdle(httpApp.app).catch(() => undefined);
    expectLines();
    expect(log.given.length).toBeGreaterThan(0);
  });

  it('is logged in one line as the error of a store or a transport', async () => {
    const refuse = (): Promise<never> => Promise.reject(new Error(text));
    const transport: DispatchTransport = {
      description: text.slice(0, 200),
      start: () => undefined,
      room: refuse,
      offer: refuse,
      stop: refuse,
    };
    const httpApp = await start({ webhooks: { dispatch: { createTransport: () => transport } } });
    const store = httpApp.app.get<Store>(WEBHOOKS_STORE);
    for (const error of [new StoreUnavailableError(text), Object.assign(new TypeError(text), { name: text })]) {
      Object.assign(store, { append: () => Promise.reject(error), nextDueAt: () => Promise.reject(error) });
      expect((await httpApp.send(failed())).status).toBeGreaterThanOrEqual(500);
    }
    await httpApp.app.close();
    expectLines(
      /^Dispatch: hostile/,
      /^hostile.* is unavailable; claiming deliveries from the inbox instead/,
      /^Source "dbt" is responding with 503: hostile.*counted, not logged/,
      /^Source "dbt" is responding with 500: receiving failed with hostile/,
    );
  });

  it('is logged in one line as a handler id that another program left in the inbox', async () => {
    const inbox = sqliteInbox({ path: ':memory:' });
    const missingHandlers: Store['missingHandlers'] = () =>
      Promise.resolve([{ handlerId: text, deliveries: 1, checks: 0 }]);
    await start({
      webhooks: { inbox: { createStore: (logger) => Object.assign(inbox.createStore(logger), { missingHandlers }) } },
    });
    expectLines(/^Work is waiting for handlers that no running process has: hostile.*Call Inbox\.dismiss/);
  });
});

describe.each(
  TEXTS.slice(0, 5).map((text) => ({ name: text.replace('\0', '').slice(0, 60).replaceAll('/', '') + '.db' })),
)('a file with a hostile name (%#)', ({ name }) => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'runhooks-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('is logged in one line at startup', async () => {
    const httpApp = await start({ webhooks: { inbox: sqliteInbox({ path: join(directory, name, 'inbox.db') }) } });
    expect((await httpApp.send(failed())).status).toBe(200);
    expect((await httpApp.app.get(Inbox).counts()).messages.stored).toBe(1);
    expectLines(/^Inbox: SQLite .*inbox\.db \(/);
  });

  it('is named in one line by the error of a failing startup', async () => {
    const file = join(directory, name);
    writeFileSync(file, 'no database, though long enough to be looked at as one');
    const paths = [file, join(file, 'inbox.db'), join(directory, name, `${name}\0`)];
    mkdirSync(join(directory, `${name}-2`));
    for (const path of [...paths, join(directory, `${name}-2`)]) {
      const error: unknown = await start({ webhooks: { inbox: sqliteInbox({ path }) } }).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).toMatchObject({
        code: 'RUNHOOKS_CONFIGURATION',
        message: expect.not.stringMatching(UNPRINTABLE),
      });
    }
  });
});
