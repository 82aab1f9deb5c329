import { join } from 'node:path';
import { ConfigurationError } from 'nestjs-runhooks/core';
import type BetterSqlite3 from 'better-sqlite3';
import {
  currentRuntime,
  loadsBetterSqlite3,
  loadsBetterSqlite3Of13,
  wayToBetterSqlite3,
  wayToNodeSqlite,
} from './sqlite-runtime.js';

/**
 * Opens a file with the package `better-sqlite3`. Throws {@link ConfigurationError} with the remedy if it cannot be
 * loaded.
 */
export async function openBetterSqlite3(file: string, readOnly: boolean): Promise<BetterSqlite3.Database> {
  const Database = await loadBetterSqlite3();
  try {
    return new Database(file, { readonly: readOnly });
  } catch (cause) {
    // The first database loads the native part.
    throw String((cause as { code?: unknown }).code).startsWith('SQLITE_') ? cause : cannotLoad(cause);
  }
}

async function loadBetterSqlite3(): Promise<typeof BetterSqlite3> {
  const runtime = currentRuntime();
  if (!loadsBetterSqlite3(runtime)) {
    throw new ConfigurationError(
      'sqliteInbox',
      `better-sqlite3 does not run on Bun. To fix it, ${wayToNodeSqlite(runtime)}, or a Postgres inbox`,
    );
  }
  const Database = await importBetterSqlite3();
  const version = versionOf(Database);
  if (!loadsBetterSqlite3Of13(runtime) && version !== undefined && Number.parseInt(version, 10) >= 13) {
    // Its native part would end the process with a segmentation fault.
    throw new ConfigurationError(
      'sqliteInbox',
      `better-sqlite3 ${version} does not run on Node ${process.version}. Run \`npm install better-sqlite3@12\`, or use Node 22.14 or newer`,
    );
  }
  return Database;
}

async function importBetterSqlite3(): Promise<typeof BetterSqlite3> {
  try {
    return (await import('better-sqlite3')).default;
  } catch (cause) {
    throw cannotLoad(cause);
  }
}

function cannotLoad(cause: unknown): ConfigurationError {
  const runtime = currentRuntime();
  const problem = `better-sqlite3 could not be loaded: ${wayToBetterSqlite3(runtime, cause)}; or ${wayToNodeSqlite(runtime)}`;
  return new ConfigurationError('sqliteInbox', problem, { cause });
}

/**
 * Returns the version of the imported copy, from the manifest beside the loaded file. If a test runner keeps modules
 * itself, returns the version that the app in the working directory would load.
 */
function versionOf(Database: typeof BetterSqlite3): string | undefined {
  // An import of `createRequire` collides with the one that bundles in ESM format often have in their banner.
  const require = process.getBuiltinModule('node:module').createRequire(join(process.cwd(), 'package.json'));
  const loaded = Object.values(require.cache).find((module) => module?.exports === Database);
  const manifest = loaded ? join(loaded.filename, '../../package.json') : 'better-sqlite3/package.json';
  try {
    return (require(manifest) as { version: string }).version;
  } catch {
    // A bundle has no manifest.
    return undefined;
  }
}
