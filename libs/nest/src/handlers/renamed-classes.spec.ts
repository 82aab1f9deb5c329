import { describe, expect, it } from '@jest/globals';
import { LIMITS } from 'nestjs-runhooks/internal';
import { isRenamedByBundler, renamedHandlers } from './renamed-classes.js';

const isRenamed = (handler: string, module: string, own = 'HandlerExplorer') =>
  isRenamedByBundler({ handler, module, own, ownInSource: 'HandlerExplorer' });

describe('isRenamedByBundler', () => {
  it.each([
    ['a minified app beside this package', 'e', 't', 'HandlerExplorer'],
    ['a minified app whose names have three characters', '$e1', 'Ae_', 'HandlerExplorer'],
    ['a class without a name in a minified app', '', 'n', 'HandlerExplorer'],
    ['a minified handler in a module that kept its name, with this package minified', 'e', 'AppModule', 'n'],
    ['a second class of one name, renamed by esbuild', 'OnCall2', 'AppModule', 'HandlerExplorer2'],
    ['a class that refers to itself, renamed by esbuild', '_OnCall', 'AppModule', 'HandlerExplorer2'],
    ['a second class of one name, renamed by Rollup', 'OnCall$1', 'AppModule', 'HandlerExplorer$1'],
  ])('returns true for %s', (_case, handler, module, own) => {
    expect(isRenamed(handler, module, own)).toBe(true);
  });

  it.each([
    ['a short class in a module with a name', 'Dbt', 'AppModule', 'HandlerExplorer'],
    ['a class without a name in a module with one', '', 'AppModule', 'HandlerExplorer'],
    ['a class with a name in a short module', 'OnCall', 'App', 'HandlerExplorer'],
    ['a class that kept its name, with this package minified', 'OnCall', 'e', 'n'],
    ['a class that kept its name, with this package renamed', 'OnCall', 'AppModule', 'HandlerExplorer2'],
    ['a class that ends in a number, without a bundler', 'OnCallV2', 'ModuleV2', 'HandlerExplorer'],
  ])('returns false for %s', (_case, handler, module, own) => {
    expect(isRenamed(handler, module, own)).toBe(false);
  });
});

describe('renamedHandlers', () => {
  it('lists the ids, up to a limit', () => {
    const ids = Array.from({ length: LIMITS.handlersLoggedMax + 2 }, (_, index) => `e${index}.page`);
    expect(renamedHandlers(ids.slice(0, 2))).toContain('(e0.page, e1.page)');
    expect(renamedHandlers(ids)).toContain(`${ids[LIMITS.handlersLoggedMax - 1]} and 2 more)`);
  });
});
