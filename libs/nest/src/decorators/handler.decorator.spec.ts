import { afterEach, describe, expect, it } from '@jest/globals';
import { ConfigurationError } from 'nestjs-runhooks/core';
import { OnAllRuns } from './on-all-runs.decorator.js';
import { OnDeadLetter } from './on-dead-letter.decorator.js';
import { OnMessage } from './on-message.decorator.js';
import { OnNodeFailed, OnNodeRecovered } from './on-node.decorator.js';
import { OnRunResults } from './on-run-results.decorator.js';
import { OnRunStuck } from './on-run-stuck.decorator.js';
import { OnRun, OnRunFailed, OnRunStarted } from './on-run.decorator.js';
import { WebhooksModule } from '../webhooks.module.js';

describe('a handler decorator on a wrong target', () => {
  // The type of a decorator in JavaScript.
  const decorate = OnRunFailed() as unknown as (target: object, key: string | symbol, descriptor?: object) => void;
  class OnCall {}

  it('throws on a static method', () => {
    expect(() => decorate(OnCall, 'page', { value: () => undefined })).toThrow(
      'OnCall.page: expected a handler decorator on an instance method, got one on a static member',
    );
  });

  it('throws on a property', () => {
    expect(() => decorate(OnCall.prototype, 'page')).toThrow(
      'OnCall.page: expected a handler decorator on an instance method, got one on a property or accessor',
    );
  });

  it('throws on a class', () => {
    expect(() => (decorate as unknown as (target: object) => void)(OnCall)).toThrow(
      'OnCall: expected a handler decorator on a method of the class, got one on the class',
    );
  });

  it('throws on an accessor without calling it', () => {
    const get = (): never => {
      throw new Error('called');
    };
    expect(() => decorate(OnCall.prototype, Symbol('page'), { get })).toThrow(ConfigurationError);
  });
});

describe('a wrong call of a handler decorator', () => {
  type Call = (...args: unknown[]) => unknown;
  class OnCall {}
  const bare = [OnCall.prototype, 'page', { value: () => undefined }];
  const cases: [string, unknown, unknown[], string][] = [
    ['OnMessage({ id })', OnMessage, [{ id: 'a' }], '@OnMessage provider: expected a non-empty string, got an object.'],
    ['OnMessage()', OnMessage, [], '@OnMessage provider: expected a non-empty string, got undefined.'],
    ['OnMessage(provider)', OnMessage, ['dbt-cloud'], '@OnMessage type: expected a non-empty string, got undefined.'],
    [
      'options as type',
      OnMessage,
      ['dbt-cloud', { id: 'a' }],
      '@OnMessage type: expected a non-empty string, got an object.',
    ],
    [
      'OnMessage without parentheses',
      OnMessage,
      bare,
      '@OnMessage provider: expected a non-empty string, got a class: the decorator was not called. Write @OnMessage(',
    ],
    [
      'OnMessage over a static member without parentheses',
      OnMessage,
      [OnCall, 'page', {}],
      '@OnMessage provider: expected a non-empty string, got a class: the decorator was not called.',
    ],
    [
      'OnMessage with options twice',
      OnMessage,
      ['dbt-cloud', 'job.run.completed', { source: 'dbt' }, { id: 'a' }],
      '@OnMessage options: expected one object, got 2 arguments. Write @OnMessage(',
    ],
    [
      'OnRunFailed with options twice',
      OnRunFailed,
      [{ id: 'a' }, { job: 'other-*' }],
      "@OnRunFailed options: expected one object, got 2 arguments. Write @OnRunFailed({ id: 'on-call.page' })",
    ],
    [
      'OnRunFailed without parentheses',
      OnRunFailed,
      bare,
      '@OnRunFailed options: expected an object, got a class: the decorator was not called.',
    ],
    ['OnRunStarted(id)', OnRunStarted, ['a'], '@OnRunStarted options: expected an object, got a string.'],
    ['OnDeadLetter(null)', OnDeadLetter, [null], '@OnDeadLetter options: expected an object, got null.'],
    ['OnRunStuck()', OnRunStuck, [], '@OnRunStuck options: expected an object, got undefined.'],
    ['OnRunResults(id)', OnRunResults, ['a'], '@OnRunResults options: expected an object, got a string.'],
    [
      'OnNodeFailed without parentheses',
      OnNodeFailed,
      bare,
      '@OnNodeFailed options: expected an object, got a class: the decorator was not called. Write @OnNodeFailed(',
    ],
    [
      'OnNodeRecovered with options twice',
      OnNodeRecovered,
      [{ kind: 'test' }, { id: 'a' }],
      '@OnNodeRecovered options: expected one object, got 2 arguments.',
    ],
    ['OnAllRuns(jobs)', OnAllRuns, [['a', 'b']], '@OnAllRuns options: expected an object, got an array.'],
    ['OnRun()', OnRun, [], '@OnRun type: expected a non-empty string, got undefined.'],
    [
      'OnRun without parentheses',
      OnRun,
      bare,
      '@OnRun type: expected a non-empty string, got a class: the decorator was not called. Write @OnRun(',
    ],
    ['OnRun(options)', OnRun, [{ id: 'a' }], '@OnRun type: expected a non-empty string, got an object.'],
    ['OnRun with options only', OnRun, ['run.failed', null], '@OnRun options: expected an object, got null.'],
    [
      'OnRun with options before the types',
      OnRun,
      [{ id: 'a' }, 'run.failed'],
      '@OnRun type: expected a non-empty string, got an object. Write @OnRun(',
    ],
    [
      'OnRun with options twice',
      OnRun,
      ['run.failed', { job: 'other-*' }, { id: 'k' }],
      '@OnRun type: expected a non-empty string, got an object. Write @OnRun(',
    ],
    [
      'OnRun with types in an array',
      OnRun,
      [['run.failed']],
      '@OnRun type: expected a non-empty string, got an array.',
    ],
    [
      'OnRun with a type amiss',
      OnRun,
      ['run.fialed'],
      `got "run.fialed" (did you mean "run.failed"?). Write @OnRun('run.failed', 'run.canceled', `,
    ],
    ...(
      [
        ['run.errored', '"run.failed"'],
        ['job.run.errored', '"run.failed"'],
        ['errored', '"run.failed"'],
        ['run.cancelled', '"run.canceled"'],
        ['success', '"run.succeeded"'],
        ['completed', '"run.completed"'],
        ['bolt.run.completed', '"run.completed"'],
        ['Run.Failed', '"run.failed"'],
        ['run.finished', '"run.completed"'],
        ['run.start', '"run.started"'],
        ['run.stuck', '@OnRunStuck'],
        ['runs.joined', '@OnAllRuns'],
        ['delivery.dead', '@OnDeadLetter'],
      ] as const
    ).map(([type, meant]): [string, unknown, unknown[], string] => [
      `OnRun(${type})`,
      OnRun,
      [type],
      `got "${type}" (did you mean ${meant}?). Write `,
    ]),
    ['OnRun(toString)', OnRun, ['run.toString'], 'got "run.toString". Write '],
  ];

  it.each(cases)('throws for %s', (_, decorator, args, message) => {
    const call = (): unknown => (decorator as Call)(...args);
    expect(call).toThrow(ConfigurationError);
    expect(call).toThrow(message);
  });

  it('throws as a standard decorator', () => {
    const decorate = OnRunFailed() as unknown as Call;
    expect(() => decorate(() => undefined, { kind: 'method', name: 'page' })).toThrow(
      'handler decorator: expected decorators as Nest uses them, got standard ones. Set experimentalDecorators',
    );
  });
});

describe('a second copy of the package in the process', () => {
  const copies = (globalThis as { [key: symbol]: unknown })[Symbol.for('nestjs-runhooks:loaded-copies')] as Map<
    string,
    string
  >;
  const second = '/shared-lib/node_modules/nestjs-runhooks/dist/cjs';
  afterEach(() => void copies.delete(second));

  it.each([
    ['decorating a handler', () => OnRunFailed()],
    ['WebhooksModule.forRoot', () => WebhooksModule.forRoot({ sources: [], inbox: undefined as never })],
    ['WebhooksModule.forRootAsync', () => WebhooksModule.forRootAsync({ useFactory: () => undefined as never })],
  ])('is rejected by %s with both paths', (_, step) => {
    expect(step).not.toThrow();
    copies.set(second, [...copies.values()][0]!);
    expect(step).toThrow(ConfigurationError);
    expect(step).toThrow(`libs and ${second}`);
  });
});
