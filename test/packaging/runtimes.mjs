// One CommonJS app on Node, Bun and Deno. It has its own better-sqlite3, which is older and not compiled.
import { rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { compile, install, needsSqliteDriver, repo, start } from './packed-app.mjs';
import { expectRefusal, serving } from './serving.mjs';
import { COMPLETED, ENV, expectEqual, post } from './webhook.mjs';

const { devDependencies } = JSON.parse(await readFile(join(repo, 'package.json'), 'utf8'));
const peers = Object.fromEntries(
  ['class-transformer', 'class-validator', 'reflect-metadata', 'rxjs'].map((name) => [name, devDependencies[name]]),
);

/** The packages that contain the programs for this machine, because the scripts that choose them do not run here. */
const { platform, arch } = process;
const BUN = `@oven/bun-${platform}-${arch === 'arm64' ? 'aarch64' : arch}`;
const DENO = `@deno/${platform}-${arch}${platform === 'linux' ? '-glibc' : ''}`;

export function runtimeSuites({ folder, tarball }) {
  const cwd = join(folder, 'runtimes');
  const program = (name, file) =>
    join(createRequire(join(cwd, 'package.json')).resolve(`${name}/package.json`), '..', file);
  const bunCommand = () => [program(BUN, 'bin/bun')];
  const denoCommand = (...flags) => [program(DENO, 'deno'), 'run', '--no-prompt', '--allow-env', ...flags];
  const allowed = ['--allow-net', '--allow-sys', '--allow-read', `--allow-write=${cwd}`];
  /** Starts a program with a new inbox. */
  const startFresh = (file, env, command) => {
    for (const suffix of ['', '-wal', '-shm']) rmSync(join(cwd, `runhooks.db${suffix}`), { force: true });
    return start(cwd, file, env, command);
  };
  const onNode = serving((env) => startFresh('main-express.js', env));
  const onBun = serving((env) => startFresh('../src/main-express.ts', env, bunCommand()));
  const onDeno = serving((env) => startFresh('main-express.js', env, denoCommand(...allowed)));
  let running;

  /** Expects the runtime to end by the signal once the app has drained its handler. */
  async function drainsOnSigterm(command) {
    running = startFresh('main-signals.js', ENV, command);
    expectEqual(await post(await running.line('listening'), COMPLETED), [200, 'accepted']);
    await running.line('lingers');
    running.child.kill('SIGTERM');
    running.child.stdin.end();
    await running.line('drained');
    expectEqual([await running.exited, running.child.signalCode], [null, 'SIGTERM']);
  }

  return [
    {
      name: 'Bun and Deno, and a better-sqlite3 11 of the app that is not compiled',
      stop: async () => {
        for (const { stop } of [onNode, onBun, onDeno]) await stop();
        running?.child.kill('SIGKILL');
        await running?.exited;
      },
      checks: {
        'installs beside an older better-sqlite3': () =>
          install(
            cwd,
            {
              type: 'commonjs',
              dependencies: {
                ...peers,
                '@nestjs/common': '12.5.1',
                '@nestjs/core': '12.5.1',
                '@nestjs/platform-express': '12.5.1',
                'better-sqlite3': '11.10.0',
                bun: '1.4.5',
                deno: '2.9.6',
              },
            },
            tarball,
          ),
        'compiles without type checks': () =>
          compile(cwd, ['main-express.ts', 'main-signals.ts'], {
            target: 'es2022',
            module: 'nodenext',
            noCheck: true,
            experimentalDecorators: true,
            emitDecoratorMetadata: true,
            types: [],
            rootDir: 'src',
            outDir: 'dist',
          }),
        ...(needsSqliteDriver
          ? {
              'names the settings that allow the install script of better-sqlite3': () =>
                expectRefusal(
                  start(cwd, 'main-express.js', ENV),
                  /is installed, but its install script did not run.*allowScripts.*npm rebuild.*approve-builds.*dependenciesMeta/,
                ),
            }
          : { 'handles a webhook on Node with the SQLite of Node': onNode.check }),
        'handles a webhook on Bun, from TypeScript': onBun.check,
        'drains on SIGTERM on Bun': () => drainsOnSigterm(bunCommand()),
        'handles a webhook on Deno': onDeno.check,
        'drains on SIGTERM on Deno': () => drainsOnSigterm(denoCommand(...allowed)),
        'names the flags that Deno needs': () =>
          expectRefusal(
            start(cwd, 'main-express.js', ENV, denoCommand('--allow-read')),
            /Deno denies access to .*--allow-read=.*--allow-write=.*--allow-sys/,
          ),
      },
    },
  ];
}
