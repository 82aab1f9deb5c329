import { Controller, Get, Injectable, type DynamicModule, type LoggerService } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  InjectProviderApi,
  OnRunCanceled,
  WebhooksModule,
  type RunCanceled,
  type WebhooksOptions,
} from 'nestjs-runhooks';
import { ConfigurationError } from 'nestjs-runhooks/core';
import { ManualClock, memoryInbox, sweep } from 'nestjs-runhooks/testing';
import { FakeApi, sourceWith } from '../rounds/fake-api.js';

const START = new Date('2026-11-23T12:00:00.000Z');
const SILENT: LoggerService = { log: () => {}, warn: () => {}, error: () => {} };
const apps: { close(): Promise<void> }[] = [];

afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()));
});

@Injectable()
class OnCall {
  readonly calls: string[] = [];

  constructor(@InjectProviderApi('dbt') readonly dbt: FakeApi['client']) {}

  @OnRunCanceled({ id: 'on-call.note' })
  note({ run, origin }: RunCanceled): void {
    this.calls.push(`${run.id} ${origin}`);
  }
}

@Injectable()
class Desk {
  @InjectProviderApi('dbt')
  readonly dbt!: FakeApi['client'];
}

@Controller()
class Lost {
  constructor(@InjectProviderApi('dbd') readonly client: object) {}

  @Get('lost')
  get(): object {
    return this.client;
  }
}

function optionsOf(api: FakeApi, more: Partial<WebhooksOptions> = {}): WebhooksOptions {
  const clock = new ManualClock(START);
  return { sources: [sourceWith(api)], inbox: memoryInbox(), dispatch: 'manual', clock, ...more };
}

async function start(root: DynamicModule, parts: Pick<DynamicModule, 'providers' | 'controllers' | 'imports'>) {
  const testing = Test.createTestingModule({ ...parts, imports: [root, ...(parts.imports ?? [])] });
  const app = (await testing.setLogger(SILENT).compile()).createNestApplication();
  apps.push(app);
  await app.init();
  return app;
}

describe.each([
  ['forRoot', (options: WebhooksOptions) => WebhooksModule.forRoot(options)],
  ['forRootAsync', (options: WebhooksOptions) => WebhooksModule.forRootAsync({ useFactory: () => options })],
])('@InjectProviderApi with %s', (_, rootOf) => {
  it('injects the client of the source into constructors and properties', async () => {
    const api = new FakeApi();
    const app = await start(rootOf(optionsOf(api)), { providers: [OnCall, Desk] });
    expect([app.get(OnCall).dbt, app.get(Desk).dbt]).toEqual([api.client, api.client]);
    expect(app.get(OnCall).dbt).toBe(api.client);
  });

  it('fails at startup if no source has the name, and names it', async () => {
    const starting = start(rootOf(optionsOf(new FakeApi())), { controllers: [Lost] });
    await expect(starting).rejects.toThrow(ConfigurationError);
    await expect(starting).rejects.toThrow(`@InjectProviderApi('dbd'): expected the name of a source, got "dbd"`);
  });

  it('fails at startup if the source has no access to an API, and names it', async () => {
    const { openApi: _openApi, ...source } = sourceWith(new FakeApi());
    const starting = start(rootOf(optionsOf(new FakeApi(), { sources: [source] })), { providers: [OnCall] });
    await expect(starting).rejects.toThrow(`@InjectProviderApi('dbt')`);
    await expect(starting).rejects.toThrow('got source "dbt" without it. Set its `api` option');
  });

  it('concerns only the app whose classes inject the client', async () => {
    const { openApi: _openApi, ...source } = sourceWith(new FakeApi());
    await expect(start(rootOf(optionsOf(new FakeApi(), { sources: [source] })), {})).resolves.toBeDefined();
  });

  it('injects the client in a receiver, which runs no rounds', async () => {
    const api = new FakeApi();
    const app = await start(rootOf(optionsOf(api, { role: 'receiver' })), { providers: [OnCall] });
    expect(app.get(OnCall).dbt).toBe(api.client);
    await expect(sweep(app)).rejects.toThrow("expected 'worker' or 'both', got 'receiver'. A receiver runs no rounds");
  });
});

describe('a receiver', () => {
  it('does not open the access to an API that no class injects', async () => {
    const api = new FakeApi();
    await start(WebhooksModule.forRoot(optionsOf(api, { role: 'receiver' })), {});
    expect(api.host).toBeUndefined();
  });
});

describe('sweep', () => {
  it('runs the handlers of runs that no webhook has reported', async () => {
    const api = new FakeApi();
    const app = await start(WebhooksModule.forRoot(optionsOf(api)), { providers: [OnCall] });
    api.add({ id: '7', status: 'canceled', endedAt: START });
    await sweep(app);
    await sweep(app, 'dbt');
    expect(app.get(OnCall).calls).toEqual(['7 api']);
    expect(api.calls).toHaveLength(2);
  });

  it('rejects with the error of a round, and for a source without rounds', async () => {
    const api = new FakeApi();
    const app = await start(WebhooksModule.forRoot(optionsOf(api)), {});
    await expect(sweep(app, 'dbd')).rejects.toThrow(
      'sweep.source: expected the name of a source with rounds, got "dbd"',
    );
    api.instead = () => Promise.reject(new Error('the API is down'));
    await expect(sweep(app)).rejects.toThrow('the API is down');
  });

  it('runs rounds by itself with dispatch auto, and stops them at shutdown', async () => {
    const api = new FakeApi();
    api.add({ id: '7', status: 'canceled', endedAt: START });
    const app = await start(WebhooksModule.forRoot(optionsOf(api, { dispatch: 'auto' })), { providers: [OnCall] });
    while (app.get(OnCall).calls.length === 0) await new Promise((resolve) => void setImmediate(resolve));
    expect(app.get(OnCall).calls).toEqual(['7 api']);
  });
});
