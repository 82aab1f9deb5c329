import { readFileSync } from 'node:fs';
import { transformSync } from '@swc/core';
import ts from 'typescript';

const root = new URL('../../../', import.meta.url);
const { paths } = ts.readConfigFile(new URL('tsconfig.json', root).pathname, (path) => readFileSync(path, 'utf8'))
  .config.compilerOptions;

/** Resolves the libs by their package names, and './x.js' to the file './x.ts'. */
export function resolve(specifier, context, next) {
  const lib = paths[specifier];
  if (lib) return { url: new URL(lib[0], root).href, shortCircuit: true };
  const isSource = specifier.startsWith('.') && context.parentURL?.endsWith('.ts');
  return next(isSource ? specifier.replace(/\.js$/, '.ts') : specifier, context);
}

export function load(url, context, next) {
  if (!url.endsWith('.ts')) return next(url, context);
  const { code } = transformSync(readFileSync(new URL(url), 'utf8'), {
    jsc: {
      target: 'es2022',
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
    },
    module: { type: 'es6' },
  });
  return { format: 'module', source: code, shortCircuit: true };
}
