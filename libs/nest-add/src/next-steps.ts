import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { sendsOf, variablesOf } from './generated-files.js';
import type { HostApp } from './host-app.js';
import type { NestAddOptions } from './options.js';

const ADD = { npm: 'npm install', pnpm: 'pnpm add', yarn: 'yarn add', bun: 'bun add' };

/** Peer dependencies of every app that `nest new` does not install. */
const PEERS = ['class-validator', 'class-transformer'];

/** Facts about the app after its files were written. */
interface Written {
  readonly options: NestAddOptions;
  readonly host: HostApp;
  readonly main: string | undefined;
  readonly hasEnvFile: boolean;
  /** The app's folder on the disk: packages below it are not in the schematic's tree if they are installed around it. */
  readonly folder: string;
}

/** Returns the steps that are left for the user, one per line. */
export function nextSteps({ options, host, main, hasEnvFile, folder }: Written): string[] {
  const needed = [
    ...PEERS.filter((name) => !isInstalled(name, folder)),
    ...(options.inbox === 'postgres' ? ['pg'] : []),
    // The generated test uses an SQLite inbox in memory, even if the app's inbox is in Postgres.
    ...(process.getBuiltinModule('node:sqlite') ? [] : ['better-sqlite3@12']),
  ].filter((name) => !host.packages.has(name.replace(/@.*/, '')));
  const variables = variablesOf(options).join(', ');
  return [
    ...(host.testImport
      ? []
      : ['No test was written: found neither Jest nor Vitest with @nestjs/testing in package.json']),
    ...(needed.length > 0 ? [`Install: ${ADD[host.packageManager]} ${needed.join(' ')}`] : []),
    ...(main?.includes('enableShutdownHooks')
      ? []
      : ['Call app.enableShutdownHooks() in main.ts for a graceful shutdown']),
    hasEnvFile ? `Set in .env: ${variables}` : `Copy .env.example to .env, and set there: ${variables}`,
    `Start the app: nest start ${host.project === undefined ? '' : `${host.project} `}--env-file .env`,
    ...sendsOf(options).map(
      ({ secret, command }) => `Send a webhook, in a terminal that has ${secret}, too: ${command}`,
    ),
  ];
}

/** Whether a package is in the `node_modules` of a folder or of one around it. */
function isInstalled(name: string, folder: string): boolean {
  if (existsSync(join(folder, 'node_modules', name, 'package.json'))) return true;
  return dirname(folder) !== folder && isInstalled(name, dirname(folder));
}
