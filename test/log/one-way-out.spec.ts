import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';

const LIBS = join(process.cwd(), 'libs');

interface SourceText {
  readonly path: string;
  readonly tree: ts.SourceFile;
}

/** The published source files, without specs. */
const sources: readonly SourceText[] = readdirSync(LIBS, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.spec.ts') && !path.endsWith('.d.ts'))
  .map((path) => {
    const file = join(LIBS, path);
    const tree = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
    return { path: relative(LIBS, file).replaceAll('\\', '/'), tree };
  });

/** Returns the files that contain a matching syntax node. */
function filesWith(isOne: (node: ts.Node) => boolean): string[] {
  const has = (node: ts.Node): boolean =>
    isOne(node) || (ts.forEachChild(node, (child) => has(child) || undefined) ?? false);
  return sources
    .filter(({ tree }) => has(tree))
    .map(({ path }) => path)
    .sort();
}

const isNestLogger = (node: ts.Node): boolean =>
  ts.isImportDeclaration(node) &&
  node.moduleSpecifier.getText() === "'@nestjs/common'" &&
  /\b(?:Console)?Logger(?:Service)?\b/.test(node.importClause?.getText() ?? '');

const isOutput = (node: ts.Node): boolean =>
  (ts.isPropertyAccessExpression(node) &&
    /^(?:console\.\w+|process\.(?:stdout|stderr|emitWarning|_rawDebug))$/.test(node.getText())) ||
  (ts.isImportSpecifier(node) && /^(?:stdout|stderr|emitWarning)\b/.test(node.getText()));

/** Matches classes by the class they extend. */
const extendsClass =
  (base: string) =>
  (node: ts.Node): boolean =>
    ts.isHeritageClause(node) &&
    node.token === ts.SyntaxKind.ExtendsKeyword &&
    node.types.some(({ expression }) => expression.getText() === base);

describe('the path of text to the log', () => {
  it('covers all sources of libs', () => {
    expect(sources.length).toBeGreaterThan(150);
  });

  it("wraps Nest's logger in one place, which makes every line printable", () => {
    expect(filesWith(isNestLogger)).toEqual(['nest/src/runhooks-logger.ts']);
  });

  it('writes to a console or a process stream only at the start of the command line', () => {
    expect(filesWith(isOutput)).toEqual(['cli/src/main.ts']);
  });

  it('derives every error a host may print from the base class that makes messages printable', () => {
    expect(filesWith(extendsClass('RunhooksError'))).toEqual(['core/src/errors.ts']);
    // These errors are caught inside their lib and wrapped in another error.
    expect(filesWith(extendsClass('Error'))).toEqual([
      'core/src/api/answer-body.ts',
      'core/src/api/artifact-download.ts',
      'core/src/errors.ts',
      'core/src/payloads/json-reader.ts',
      'dbt-artifacts/src/unreadable-file.ts',
      'sql-inbox/src/postgres-connection/postgres-failure.ts',
      'sql-inbox/src/postgres/postgres-completions.ts',
      'sql-inbox/src/schema/newer-schema.ts',
      'testing/src/fakes/dbt-cloud/refused.ts',
      'testing/src/fakes/paradime/graphql-refusal.ts',
    ]);
  });
});
