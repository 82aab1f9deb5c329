// One app, bundled by each tool with the configuration shown in docs/bundling.md.
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command, install, repo, start } from './packed-app.mjs';
import { ENV, expectEqual, post, RUN_ID, WEBHOOK } from './webhook.mjs';

const { devDependencies } = JSON.parse(await readFile(join(repo, 'package.json'), 'utf8'));
const document = await readFile(join(repo, 'docs/bundling.md'), 'utf8');

const own = ['class-transformer', 'class-validator', 'reflect-metadata', 'rxjs', 'typescript', '@swc/core'];
const nest = ['cli', 'common', 'core', 'platform-express'].map((name) => `@nestjs/${name}`);
const dependencies = {
  ...Object.fromEntries([...own, ...nest].map((name) => [name, devDependencies[name]])),
  '@rspack/core': '2.3.4',
  '@swc/cli': '0.8.1',
  esbuild: '0.28.2',
  'fork-ts-checker-webpack-plugin': '9.2.0',
  'ts-loader': '9.6.2',
  'tsconfig-paths-webpack-plugin': '4.2.0',
  webpack: '5.113.0',
  'webpack-node-externals': '3.0.0',
};

const FILES = {
  'nest-cli.json': JSON.stringify({ sourceRoot: 'src', compilerOptions: { deleteOutDir: true } }),
  'tsconfig.json': JSON.stringify({
    compilerOptions: {
      target: 'es2022',
      module: 'nodenext',
      strict: true,
      skipLibCheck: true,
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
      types: ['node'],
      rootDir: 'src',
      outDir: 'dist',
    },
    include: ['src'],
  }),
  // These scripts replace the command lines of webpack and Rspack, which are separate packages.
  'pack.cjs': `
    const [, , name, config] = process.argv;
    const tool = require(name);
    (tool.rspack ?? tool)(require(config), (failure, stats) => {
      if (!failure && !stats.hasErrors()) return;
      console.error(failure ?? stats.toString({ all: false, errors: true }));
      process.exitCode = 1;
    });`,
};

/** Returns a configuration of the document. Each change replaces a string that must occur in it. */
function configuration(name, ...changes) {
  const code = document.split('```js\n').find((block) => block.startsWith(`// ${name}\n`));
  if (!code) throw new Error(`docs/bundling.md has no ${name}`);
  return changes.reduce(
    (text, [part, replacement]) => {
      const changed = text.replace(part, replacement);
      if (changed === text) throw new Error(`${name} in docs/bundling.md has no ${part}`);
      return changed;
    },
    code.slice(0, code.indexOf('```')),
  );
}

function bundlesSuite(folder, tarball) {
  const cwd = join(folder, 'bundles');
  let running;
  let builds = 0;

  async function build(script, config, ...args) {
    await writeFile(join(cwd, script), config);
    await command(cwd, process.execPath, ...args, `./${script}`);
  }
  const esbuild = (...changes) => build('esbuild.config.mjs', configuration('esbuild.config.mjs', ...changes));

  /** Creates a folder with the bundles and, of all packages, only the native one. */
  async function deployed() {
    const place = join(folder, `deployed-${++builds}`);
    await cp(join(cwd, 'dist'), join(place, 'dist'), { recursive: true });
    const driver = 'node_modules/better-sqlite3';
    if (existsSync(join(cwd, driver))) {
      await mkdir(join(place, 'node_modules'));
      await symlink(join(cwd, driver), join(place, driver));
    }
    return place;
  }

  /** Sends a webhook to the bundle and returns its log. */
  async function handles(file, place) {
    running = start(place, file, ENV);
    expectEqual(await post(await running.line('listening'), WEBHOOK), [200, 'accepted']);
    expectEqual(JSON.parse(await running.line('handled')), { type: 'run.failed', run: RUN_ID, attempt: 1 });
    running.child.stdin.end();
    expectEqual(await running.exited, 0);
    return running.output();
  }

  async function keepsIds(file, place) {
    const log = await handles(file, place);
    if (!log.includes('Handler "OnCall.page" ') || log.includes('Default handler ids')) throw new Error(log);
  }

  async function warns(file, place) {
    const log = await handles(file, place);
    if (!/WARN.*Default handler ids may change with the next build: .*\([\w$]{1,3}\.page\)/.test(log)) {
      throw new Error(log);
    }
  }

  return {
    name: 'bundled apps',
    anyNode: true,
    stop: async () => {
      running?.child.kill('SIGKILL');
      await running?.exited;
    },
    checks: {
      'installs with the bundlers': async () => {
        await install(cwd, { type: 'commonjs', dependencies }, tarball);
        await mkdir(join(cwd, 'src'));
        await cp(join(import.meta.dirname, 'app/bundled.ts'), join(cwd, 'src/main.ts'));
        for (const [file, text] of Object.entries(FILES)) await writeFile(join(cwd, file), text);
      },
      'runs as an ESM bundle of esbuild, with all packages bundled': async () => {
        await esbuild();
        await keepsIds('main.mjs', await deployed());
      },
      'runs as a CommonJS bundle of esbuild': async () => {
        await esbuild(["'esm'", "'cjs'"], ['main.mjs', 'main.cjs'], [/ {2}banner: .*?\n {2}\},\n/s, '']);
        await keepsIds('main.cjs', await deployed());
      },
      'runs under a banner that imports createRequire by its own name, with Nest external': async () => {
        await esbuild(
          ["['better-sqlite3',", "['better-sqlite3', '@nestjs/*',"],
          [' as bundleRequire', ''],
          ['bundleRequire(', 'createRequire('],
        );
        await keepsIds('main.mjs', cwd);
      },
      'warns of default handler ids, and keeps the names of errors, in a minified bundle': async () => {
        await esbuild(['keepNames', 'minify']);
        const place = await deployed();
        await warns('main.mjs', place);
        running = start(place, 'main.mjs', { ...ENV, DBT_CLOUD_WEBHOOK_SECRET: '' });
        await running.exited;
        const name = /(\w+)\]?: dbtCloud\(\{ name: 'dbt' \}\)\.secrets\[0\]: /.exec(running.output())?.[1];
        expectEqual(name, 'ConfigurationError');
      },
      'warns of default handler ids in a minified app whose packages are external': async () => {
        await esbuild(['keepNames', 'minify'], [/external: .*/, "packages: 'external',"]);
        await warns('main.mjs', cwd);
      },
      'does not warn in a minified bundle that keeps names': async () => {
        await esbuild(['keepNames', 'minify: true, keepNames']);
        await keepsIds('main.mjs', await deployed());
      },
      'runs as a bundle of webpack': async () => {
        await build('webpack.config.cjs', configuration('webpack.config.cjs'), 'pack.cjs', 'webpack');
        await keepsIds('main.cjs', await deployed());
      },
      'runs as a minified bundle of Rspack that keeps names': async () => {
        await build('rspack.config.cjs', configuration('rspack.config.cjs'), 'pack.cjs', '@rspack/core');
        await keepsIds('main.cjs', await deployed());
      },
      'runs as a bundle of `nest build --webpack`': async () => {
        await command(cwd, 'npx', '--no-install', 'nest', 'build', '--webpack');
        await keepsIds('main.js', cwd);
      },
      'runs as a bundle of `nest build --builder rspack`': async () => {
        await command(cwd, 'npx', '--no-install', 'nest', 'build', '--builder', 'rspack');
        await keepsIds('main.js', cwd);
      },
      'runs as compiled by `nest build --builder swc`': async () => {
        await command(cwd, 'npx', '--no-install', 'nest', 'build', '--builder', 'swc');
        await keepsIds('main.js', cwd);
      },
    },
  };
}

export const bundleSuites = ({ folder, tarball }) => [bundlesSuite(folder, tarball)];
