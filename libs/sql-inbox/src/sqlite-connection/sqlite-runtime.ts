/** Facts that decide which driver of SQLite a process can use. */
export interface SqliteRuntime {
  readonly versions: { readonly node: string; readonly bun?: string; readonly deno?: string; readonly napi?: string };
  /** Options from Node's command line and from `NODE_OPTIONS`. */
  readonly options: readonly string[];
  readonly hasNodeSqlite: boolean;
}

export function currentRuntime(): SqliteRuntime {
  return {
    versions: process.versions as SqliteRuntime['versions'],
    options: [...process.execArgv, ...(process.env['NODE_OPTIONS'] ?? '').split(/\s+/)],
    hasNodeSqlite: process.getBuiltinModule('node:sqlite') !== undefined,
  };
}

/** Returns how to get SQLite without a package. */
export function wayToNodeSqlite({ versions: { node, bun }, options, hasNodeSqlite }: SqliteRuntime): string {
  if (hasNodeSqlite) return "use the driver 'node:sqlite', which this runtime has";
  if (bun !== undefined) return `use Bun 1.4 or newer (this is ${bun}), or Node.js 22.13 or newer`;
  if (options.includes('--no-experimental-sqlite')) {
    return `start Node without --no-experimental-sqlite (also in NODE_OPTIONS), which disables the SQLite of Node ${node}`;
  }
  return `use Node 22.13 or newer (this is ${node}), which has SQLite built in`;
}

/** Whether better-sqlite3 can be loaded: its native part ends a Bun process. */
export function loadsBetterSqlite3({ versions }: SqliteRuntime): boolean {
  return versions.bun === undefined;
}

/** Whether better-sqlite3 13 can be loaded: it needs Node-API 10. */
export function loadsBetterSqlite3Of13({ versions: { napi } }: SqliteRuntime): boolean {
  return Number(napi) >= 10;
}

/** Returns the remedy for an error from loading better-sqlite3. */
export function wayToBetterSqlite3(runtime: SqliteRuntime, thrown: unknown): string {
  const major = loadsBetterSqlite3Of13(runtime) ? 13 : 12;
  const { code, message } = thrown as { readonly code?: unknown; readonly message?: unknown };
  const text = String(message);
  if (/NODE_MODULE_VERSION|different Node\.js version/.test(text)) {
    return 'it is compiled for another version of Node. Run `npm rebuild better-sqlite3`';
  }
  if (/bindings|\.node\b/.test(text)) {
    return (
      'it is installed, but its install script did not run, so its native part is missing. Allow the script and run it ' +
      '(npm: `"allowScripts": { "better-sqlite3": true }` in package.json, then `npm rebuild better-sqlite3`; pnpm: ' +
      '`pnpm approve-builds`; Yarn: `"dependenciesMeta": { "better-sqlite3": { "built": true } }` in package.json, then ' +
      '`yarn install`)'
    );
  }
  if (/^(ERR_)?MODULE_NOT_FOUND$/.test(String(code))) {
    return `it is not installed. Run \`npm install better-sqlite3@${major}\``;
  }
  return `run \`npm install better-sqlite3@${major}\`, or if it is installed, \`npm rebuild better-sqlite3\``;
}
