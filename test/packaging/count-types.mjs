// Counts the type instantiations that tsc needs for an app of 200 handlers with the decorators of this package, and for the
// same app with @OnEvent of @nestjs/event-emitter. Prints as JSON: the `baseline` of the app with @OnEvent, what the
// `handlers` need beyond it, and what the added `declarations` need when skipLibCheck is off. Needs a fresh build.
import { join } from 'node:path';
import ts from 'typescript';

const HANDLERS = 200;

/** The options set by `nest new` of Nest 12 that affect types. */
const OPTIONS = {
  module: ts.ModuleKind.NodeNext,
  target: ts.ScriptTarget.ES2023,
  strict: true,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  types: ['node'],
  noEmit: true,
};

/** The handlers of an app, as a module with many such files has them. */
const OURS = [
  { decorator: "OnRunFailed({ id: 'ID', job: 'nightly-*' })", event: 'RunFailed' },
  { decorator: "OnRunSucceeded({ id: 'ID', project: 'analytics' })", event: 'RunSucceeded' },
  { decorator: "OnRunCompleted({ id: 'ID', provider: 'dbt-cloud' })", event: "RunCompleted<'dbt-cloud'>" },
  { decorator: "OnRun('run.failed', 'run.canceled', { id: 'ID' })", event: "RunEvent<'run.failed' | 'run.canceled'>" },
];

const EVENTS = `
export interface RunFailed {
  readonly source: string;
  readonly run: Run;
}
export interface Run {
  readonly id: string;
  readonly statusMessage?: string;
  readonly job: { readonly key: string; readonly name?: string };
}`;

const handlerFile = (index, imports, decorator, event) => `
import { Injectable, Logger } from '@nestjs/common';
${imports}

@Injectable()
export class Handler${index} {
  private readonly logger = new Logger(Handler${index}.name);

  @${decorator}
  async handle(event: ${event}): Promise<string> {
    this.logger.warn(\`\${event.run.job.name ?? event.run.job.key} failed: \${event.run.statusMessage ?? ''}\`);
    return \`\${event.source} \${event.run.id}\`;
  }
}`;

const appModule = (imports, module) => `
import { Module } from '@nestjs/common';
${imports}
${Array.from({ length: HANDLERS }, (_, index) => `import { Handler${index} } from './handler-${index}.js';`).join('\n')}

@Module({
  imports: [${module}],
  providers: [${Array.from({ length: HANDLERS }, (_, index) => `Handler${index}`).join(', ')}],
})
export class AppModule {}`;

const MAIN = `
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

const app = await NestFactory.create(AppModule, { rawBody: true });
app.enableShutdownHooks();
await app.listen(3000);`;

function ourApp() {
  const files = { 'main.ts': MAIN };
  files['app.module.ts'] = appModule(
    `import { WebhooksModule } from 'nestjs-runhooks';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { sqliteInbox } from 'nestjs-runhooks/sqlite';`,
    "WebhooksModule.forRoot({ sources: [dbtCloud({ name: 'dbt', secrets: ['a'] })], inbox: sqliteInbox({ path: 'a.db' }) })",
  );
  for (let index = 0; index < HANDLERS; index += 1) {
    const { decorator, event } = OURS[index % OURS.length];
    const names = [decorator, event].map((text) => /^\w+/.exec(text)[0]);
    files[`handler-${index}.ts`] = handlerFile(
      index,
      `import { ${names[0]}, type ${names[1]} } from 'nestjs-runhooks';`,
      decorator.replace('ID', `handler-${index}`),
      event,
    );
  }
  return files;
}

function eventEmitterApp() {
  const files = { 'main.ts': MAIN, 'events.ts': EVENTS };
  files['app.module.ts'] = appModule(
    "import { EventEmitterModule } from '@nestjs/event-emitter';",
    'EventEmitterModule.forRoot()',
  );
  for (let index = 0; index < HANDLERS; index += 1) {
    files[`handler-${index}.ts`] = handlerFile(
      index,
      `import { OnEvent } from '@nestjs/event-emitter';
import type { RunFailed } from './events.js';`,
      "OnEvent('run.failed', { async: true })",
      'RunFailed',
    );
  }
  return files;
}

/** Returns the program of an app that exists in memory only, in a folder of the repository: there the package is `dist`. */
function programOf(name, files, host) {
  const at = join(import.meta.dirname, '../../dist/type-cost', name);
  const sources = new Map(Object.entries(files).map(([file, text]) => [join(at, file), text]));
  const fileHost = {
    ...host,
    fileExists: (path) => sources.has(path) || host.fileExists(path),
    readFile: (path) => sources.get(path) ?? host.readFile(path),
    directoryExists: (path) => at.startsWith(path) || host.directoryExists(path),
    getSourceFile: (path, options) => {
      const text = sources.get(path);
      return text === undefined ? host.getSourceFile(path, options) : ts.createSourceFile(path, text, options);
    },
  };
  return ts.createProgram([...sources.keys()], OPTIONS, fileHost);
}

/** Checks the types of some files, which is what skipLibCheck decides about, and returns all instantiations so far. */
function instantiations(program, files) {
  for (const file of files) {
    const [found] = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
    if (found) throw new Error(`${file.fileName}: ${ts.flattenDiagnosticMessageText(found.messageText, '\n')}`);
  }
  return program.getInstantiationCount();
}

const host = ts.createCompilerHost(OPTIONS);
const parsed = new Map();
const { getSourceFile } = host;
// Both apps need mostly the same declaration files, so they are parsed once.
host.getSourceFile = (path, options) => {
  if (!parsed.has(path)) parsed.set(path, getSourceFile(path, options));
  return parsed.get(path);
};
const theirs = programOf('theirs', eventEmitterApp(), host);
const ours = programOf('ours', ourApp(), host);
const isDeclaration = ({ isDeclarationFile }) => isDeclarationFile;
const appFiles = (program) => program.getSourceFiles().filter((file) => !isDeclaration(file));
const added = ours.getSourceFiles().filter((file) => isDeclaration(file) && !theirs.getSourceFile(file.fileName));

const baseline = instantiations(theirs, appFiles(theirs));
const handlers = instantiations(ours, appFiles(ours)) - baseline;
const declarations = instantiations(ours, added) - handlers - baseline;
console.log(JSON.stringify({ baseline, handlers, declarations }));
