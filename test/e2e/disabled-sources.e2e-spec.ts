import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Inbox, OnRun, OnRunFailed, type RunEvent, type RunFailed } from 'nestjs-runhooks';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { paradime } from 'nestjs-runhooks/paradime';
import { sqliteInbox } from 'nestjs-runhooks/sqlite';
import { paradimeWebhook, TEST_SECRETS, waitUntilIdle } from 'nestjs-runhooks/testing';
import { ADAPTERS, closeApps, dbtWebhook, PARADIME, startApp } from './http-app.js';

const directories: string[] = [];

afterEach(closeApps);
afterEach(() => directories.splice(0).forEach((directory) => rmSync(directory, { recursive: true })));

const enabled = dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud] });
const present = paradime({ name: 'paradime', secrets: [TEST_SECRETS.paradime], enabled: true });
const LINE = 'Source "dbt" (dbt-cloud) is disabled: it has no route, and its messages wait. Remove enabled: false';

/** Returns a source as on a developer's machine, where the secret is not set. */
function disabledSource() {
  const secret = process.env['A_SECRET_THAT_IS_NOT_SET'];
  return dbtCloud({ name: 'dbt', secrets: [secret], enabled: Boolean(secret) });
}

@Injectable()
class Filtered {
  @OnRunFailed({ source: 'dbt' })
  ofSource(_event: RunFailed): void {}

  @OnRun('run.completed', { provider: 'dbt-cloud' })
  ofProvider(_event: RunEvent): void {}
}

describe.each(ADAPTERS)('a source with enabled: false, on %s', (adapter) => {
  it('needs no secret, has no route, is listed in a warning, and leaves other sources working', async () => {
    const httpApp = await startApp(adapter, { webhooks: { sources: [disabledSource(), present] } });
    expect(httpApp.log.containing('is disabled')).toEqual([expect.stringContaining(`warn ${LINE}`)]);
    expect(await httpApp.send(dbtWebhook())).toMatchObject({ status: 404 });
    expect(await httpApp.send(paradimeWebhook(), PARADIME)).toMatchObject({ status: 200 });
  });

  it('starts when it is the only source', async () => {
    const httpApp = await startApp(adapter, { webhooks: { sources: [disabledSource()], dispatch: 'auto' } });
    expect(httpApp.log.containing(LINE)).toHaveLength(1);
    expect(await httpApp.send(dbtWebhook())).toMatchObject({ status: 404 });
  });

  it('is accepted in handler filters', async () => {
    const module = { providers: [Filtered] };
    const httpApp = await startApp(adapter, { webhooks: { sources: [disabledSource(), present] }, module });
    expect(httpApp.log.containing('Handler "Filtered.of')).toHaveLength(2);
  });

  it('keeps its messages in the inbox until it is enabled again', async () => {
    directories.push(mkdtempSync(join(tmpdir(), 'runhooks-left-out-')));
    const inbox = sqliteInbox({ path: join(directories.at(-1) ?? '', 'runhooks.db') });
    const before = await startApp(adapter, { webhooks: { sources: [enabled], inbox } });
    expect(await before.send(dbtWebhook())).toMatchObject({ status: 200 });
    await before.app.close();

    const meanwhile = await startApp(adapter, { webhooks: { sources: [disabledSource(), present], inbox } });
    await waitUntilIdle(meanwhile.app);
    expect(await meanwhile.app.get(Inbox).counts()).toMatchObject({ messages: { stored: 1, quarantined: 0 } });
    await meanwhile.app.close();

    const after = await startApp(adapter, { webhooks: { sources: [enabled], inbox } });
    expect(await after.handled()).toHaveLength(2);
  });
});
