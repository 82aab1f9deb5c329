import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Catch,
  Controller,
  Inject,
  Injectable,
  Scope,
  UseFilters,
  UseGuards,
  UsePipes,
  type ArgumentsHost,
  type ExceptionFilter,
  type Type,
} from '@nestjs/common';
import { BaseExceptionFilter, REQUEST } from '@nestjs/core';
import {
  ConfigurationError,
  isWebhookContext,
  OnRunFailed,
  PermanentError,
  RetryLater,
  type WebhookRequest,
} from 'nestjs-runhooks';
import { of } from 'rxjs';
import { startupError, closeApps, startHandlers } from './handlers-app.js';

afterEach(closeApps);

let ran: string[] = [];
afterEach(() => {
  ran = [];
});

const failed = { event: 'failed', payload: { data: { runId: '7' } } } as const;

interface HttpReply {
  status(code: number): { json(body: object): void };
}

class Refused extends Error {
  override readonly name = 'Refused';
}

/** Describes the arguments a filter received. */
function describeArguments(error: unknown, host: ArgumentsHost): string {
  if (!isWebhookContext(host)) return `a ${host.getType()} context`;
  const [event, delivery] = host.getArgs();
  return `${String(error)} by ${delivery.handlerId} for ${event.type} of ${host.getArgs().length}`;
}

/** Returns a filter for {@link Refused} that records its arguments and returns the result of `resultOf`. */
function filter(name: string, resultOf: (error: Error) => unknown = () => undefined, scope = Scope.DEFAULT): Type {
  @Catch(Refused)
  @Injectable({ scope })
  class Filter implements ExceptionFilter {
    catch(error: Error, host: ArgumentsHost): unknown {
      ran.push(`${name}: ${describeArguments(error, host)}`);
      return resultOf(error);
    }
  }
  return Filter;
}

describe('exception filters bound to a handler', () => {
  const results: [string, () => unknown][] = [
    ['nothing', () => undefined],
    ['a value', () => 'handled'],
    ['a promise', async () => await Promise.resolve('handled')],
    ['a promise of nothing', async () => await Promise.resolve()],
    ['an observable', () => of('handled')],
  ];

  it.each(results)('never turn a failure into a success when they return %s', async (_name, resultOf) => {
    @UseFilters(filter('filter', resultOf))
    @Injectable()
    class Pager {
      @OnRunFailed({ id: 'page' })
      page(): void {
        throw new Refused('no');
      }
    }
    const host = await startHandlers({ providers: [Pager] });
    await host.dbt(failed);
    expect(ran).toEqual(['filter: Refused: no by page for run.failed of 2']);
    expect(await host.outcomes()).toEqual(['page 1 pending']);
    expect(await host.errors('page')).toEqual(['Refused: no']);
  });

  it.each([Scope.DEFAULT, Scope.REQUEST, Scope.TRANSIENT])('can replace the error; scope %s', async (scope) => {
    const giveUp = filter(
      'class',
      (cause) => {
        throw new PermanentError('we will never be let in', { cause });
      },
      scope,
    );
    const later = async (): Promise<never> => await Promise.reject(new RetryLater(5_000));
    @UseFilters(giveUp)
    @Injectable({ scope })
    class Pager {
      @OnRunFailed({ id: 'page' })
      page(): void {
        throw new Refused('no');
      }

      @UseFilters(filter('method', later, scope))
      @OnRunFailed({ id: 'text' })
      text(): void {
        throw new Refused('not now');
      }

      @OnRunFailed({ id: 'other' })
      other(): void {
        throw new Error('of no class that the filter is for');
      }
    }
    const host = await startHandlers({ providers: [Pager] });
    await host.dbt(failed);
    expect(ran.sort()).toEqual([
      'class: Refused: no by page for run.failed of 2',
      // The filter of the method is closer to the handler than the filter of the class.
      'method: Refused: not now by text for run.failed of 2',
    ]);
    expect(await host.outcomes()).toEqual(['other 1 pending', 'page 1 dead', 'text 1 pending']);
    expect(await host.errors('page')).toEqual(['PermanentError: we will never be let in']);
    expect(await host.errors('other')).toEqual(['Error: of no class that the filter is for']);
    expect(host.log.containing('the handler requested a retry in 5000 ms. Retrying in 5 s')).toHaveLength(1);
  });

  it.each([
    [
      'a filter that writes an HTTP response',
      { catch: (_: unknown, at: ArgumentsHost) => at.switchToHttp().getResponse<HttpReply>().status(500).json({}) },
    ],
    ["a subclass of Nest's own filter", undefined],
    [
      'a filter that throws another error',
      {
        catch: (): never => {
          throw new Error('the filter itself');
        },
      },
    ],
  ])("keep the handler's error in the attempt when they are %s", async (_, instance) => {
    @Catch()
    class Reporting extends BaseExceptionFilter {
      override catch(error: unknown, at: ArgumentsHost): void {
        ran.push('reported');
        // This method belongs to the filter, not to a promise.
        // oxlint-disable-next-line promise/valid-params
        super.catch(error, at);
      }
    }
    @Injectable()
    class Pager {
      @UseFilters(instance ?? Reporting)
      @OnRunFailed({ id: 'page' })
      page(): void {
        throw new Refused('no');
      }
    }
    const host = await startHandlers({ providers: [Pager] });
    await host.dbt(failed);
    await host.later();
    expect(await host.errors('page')).toEqual(['Refused: no', 'Refused: no']);
    expect(ran).toEqual(instance ? [] : ['reported', 'reported']);
    expect(host.log.containing('an exception filter threw')).toEqual([
      expect.stringMatching(
        /^warn Handler "Pager\.page": an exception filter threw \w*Error: .* own error is recorded\./,
      ),
    ]);
  });

  it('catch the errors of guards and pipes', async () => {
    @UseFilters(filter('filter'))
    @Controller()
    class Pager {
      @UseGuards({
        canActivate: () => {
          throw new Refused('by a guard');
        },
      })
      @OnRunFailed({ id: 'guarded' })
      guarded(): void {}

      @UsePipes({
        transform: () => {
          ran.push('pipe');
          throw new Refused('by a pipe');
        },
      })
      @OnRunFailed({ id: 'piped' })
      piped(): void {}
    }
    const host = await startHandlers({ controllers: [Pager] });
    await host.dbt(failed);
    expect(ran.sort()).toEqual([
      'filter: Refused: by a guard by guarded for run.failed of 2',
      'filter: Refused: by a pipe by piped for run.failed of 2',
      'pipe',
    ]);
  });

  it('can inject the delivery', async () => {
    @Catch()
    @Injectable({ scope: Scope.REQUEST })
    class Scoped implements ExceptionFilter {
      constructor(@Inject(REQUEST) private readonly request: WebhookRequest) {}

      catch(): void {
        ran.push(this.request.delivery.handlerId);
      }
    }
    @Injectable()
    class Pager {
      @UseFilters(Scoped)
      @OnRunFailed({ id: 'page' })
      page(): void {
        throw new Error('no');
      }
    }
    const host = await startHandlers({ providers: [Pager] });
    await host.dbt(failed);
    expect(ran).toEqual(['page']);
  });

  it('do not run when the handler succeeds or throws an error they do not catch', async () => {
    let fails = true;
    @UseFilters(filter('filter'))
    @Injectable()
    class Pager {
      @OnRunFailed({ id: 'page' })
      page(): void {
        // A handler can throw any value.
        // oxlint-disable-next-line no-throw-literal
        if (fails) throw 'a text';
      }
    }
    const host = await startHandlers({ providers: [Pager] });
    await host.dbt(failed);
    expect(await host.errors('page')).toEqual(['string: a value that is not an error was thrown: a text']);
    fails = false;
    await host.later();
    expect(await host.outcomes()).toEqual(['page 2 succeeded']);
    expect(ran).toEqual([]);
  });

  it('keep the log at one line per failed attempt when they handle other errors', async () => {
    @UseFilters(filter('filter'))
    @Injectable()
    class Pager {
      @OnRunFailed({ id: 'page' })
      page(): void {
        throw new Error('only once');
      }
    }
    const host = await startHandlers({ providers: [Pager] });
    await host.dbt(failed);
    expect(host.log.containing('only once')).toHaveLength(1);
  });

  it('fail the startup when a factory provides the handler and Nest would skip them', async () => {
    class Pager {
      @UseFilters(filter('filter'))
      @OnRunFailed()
      page(): void {}
    }
    const error = await startupError({ providers: [{ provide: Pager, useFactory: () => new Pager() }] });
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error.message).toMatch(/^Pager\.page: its exception filter Filter would be skipped/);
  });
});
