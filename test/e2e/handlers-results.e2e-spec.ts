import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  ConfigurationError,
  OnNodeFailed,
  OnNodeRecovered,
  OnRunFailed,
  OnRunResults,
  type WebhooksOptions,
} from 'nestjs-runhooks';
import { closeApps, startHandlers, startupError } from './handlers-app.js';

afterEach(closeApps);

describe('options of the decorators for results', () => {
  const KINDS =
    'model, test, unit_test, snapshot, seed, source, exposure, operation, analysis, function, saved_query, other';
  const wrong: [string, object, string][] = [
    [
      'a misspelled kind',
      OnNodeFailed({ kind: 'modle' as 'model' }),
      `kind: expected a kind of nodes (${KINDS}), got "modle" (did you mean "model"?)`,
    ],
    [
      'a misspelled kind beside a known one',
      OnNodeRecovered({ kind: ['test', 'Model' as 'model'] }),
      `kind: expected a kind of nodes (${KINDS}), got "Model" (did you mean "model"?)`,
    ],
    [
      'no kinds',
      OnNodeFailed({ kind: [] }),
      'kind: expected a non-empty string or an array of them, got an empty array. Omit the option to match everything',
    ],
    [
      'an empty node',
      OnNodeFailed({ node: '' }),
      'node: expected a non-empty string or an array of them, got an empty string. Omit the option to match everything',
    ],
    [
      'a package from an unset variable',
      OnNodeRecovered({ package: undefined } as object),
      'package: expected a non-empty string or an array of them, got undefined. Omit the option to match everything',
    ],
    [
      'includeIsolated that is no boolean',
      OnNodeFailed({ includeIsolated: 'yes' } as object),
      'includeIsolated: expected true or false, got a string',
    ],
    [
      'nodes',
      OnNodeFailed({ nodes: 'stg_*' } as object),
      'nodes: unknown option (did you mean "node"?). Valid options: ',
    ],
    [
      'includeIsolated on a recovery',
      OnNodeRecovered({ includeIsolated: true } as object),
      'includeIsolated: unknown option',
    ],
    [
      'includeIsolated on results',
      OnRunResults({ includeIsolated: true } as object),
      'includeIsolated: unknown option',
    ],
    ['a kind on results', OnRunResults({ kind: 'test' } as object), 'kind: unknown option'],
    ['a node on a failed run', OnRunFailed({ node: 'stg_*' } as object), 'node: unknown option'],
    ['includeLate on results', OnRunResults({ includeLate: true } as object), 'includeLate: unknown option'],
    ['includeLate on a failed run', OnRunFailed({ includeLate: true } as object), 'includeLate: unknown option'],
    [
      'an unknown source',
      OnNodeFailed({ source: 'dtb' }),
      'source: expected the name of a configured source (dbt, paradime), got "dtb" (did you mean "dbt"?)',
    ],
  ];

  it.each(wrong)('fail the startup for %s', async (_, decorate, message) => {
    @Injectable()
    class OnCall {
      @(decorate as MethodDecorator)
      page(): void {}
    }
    const error = await startupError({ providers: [OnCall] });
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error.message).toMatch(new RegExp(`^OnCall\\.page\\.${message.replaceAll(/[.*+?()[\]]/g, '\\$&')}`));
  });
});

it('logs the events and filters of handlers for results at startup', async () => {
  @Injectable()
  class OnCall {
    @OnNodeFailed({ id: 'page', kind: ['model', 'test'], node: 'stg_*', job: 'nightly-*', when: () => true })
    page(): void {}

    @OnNodeFailed({ id: 'review', includeIsolated: true })
    review(): void {}

    @OnNodeRecovered({ id: 'resolve', package: 'shop' })
    resolve(): void {}

    @OnRunResults({ id: 'board', source: 'dbt' })
    board(): void {}
  }
  const host = await startHandlers({ providers: [OnCall] });
  expect(host.log.containing('log Handler ')).toEqual([
    'log Handler "page" (OnCall.page in AppModule): node.failed where kind model or test, node stg_*, job nightly-*, when(…)',
    'log Handler "review" (OnCall.review in AppModule): node.failed with isolated runs',
    'log Handler "resolve" (OnCall.resolve in AppModule): node.recovered where package shop',
    'log Handler "board" (OnCall.board in AppModule): run.results where source dbt',
  ]);
  expect(host.log.containing('Ready: ')).toEqual(['log Ready: 2 sources, 4 handlers']);
});

it('fails the startup if redact is not a function', async () => {
  const { message } = await startupError({ webhooks: { redact: 'all' } as unknown as Partial<WebhooksOptions> });
  expect(message).toBe('redact: expected a function, got "all"');
});
