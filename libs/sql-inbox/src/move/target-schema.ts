import { ConfigurationError, isRunhooksError, type Logger } from 'nestjs-runhooks/core';
import { SQL_LIMITS } from '../limits.js';
import type { PostgresConnection } from '../postgres-connection/postgres-connection.js';
import { PostgresConnections } from '../postgres-connection/postgres-connections.js';
import { lockKey } from '../postgres/postgres-dialect.js';
import { postgresFailure, sqlState } from '../postgres-connection/postgres-failure.js';
import { migratePostgres } from '../postgres/postgres-migration.js';
import { postgresOpenFailure } from '../postgres/postgres-open-failure.js';
import { openPostgresPool } from '../postgres-connection/postgres-pool.js';
import { checkServer } from '../postgres-connection/postgres-server.js';
import { toPostgresJson } from '../postgres-connection/postgres-text.js';
import { PostgresTransactions, transact } from '../postgres/postgres-transactions.js';
import type { Transaction } from '../schema/statement.js';
import { MoveError } from './move-error.js';
import { readRecord, RECORD_COLUMNS, recordTable, type MoveRecord } from '../postgres/move-record.js';
import { requireThisSchema } from './same-schema.js';
import { TABLES, type Step, type Table } from './tables.js';

/** Position in the file of the last moved row, by table. */
export type Places = Partial<Record<Table, number>>;

/** Progress of an earlier move of the same file. */
export interface Begun {
  readonly places: Places;
  readonly finishedAt?: Date;
}

/** Tables whose rows the engine numbers. Numbering continues after the last moved row. */
const NUMBERED = ['deliveries', 'audit'] as const satisfies readonly Table[];

/** Counting may take longer than the statements of an app. */
const BEGIN = `begin isolation level read committed read write; set local statement_timeout = ${SQL_LIMITS.postgresMigrateMs}; set local synchronous_commit = on`;

/** Schema of a Postgres database into which an inbox is moved. */
export class TargetSchema {
  readonly description: string;
  readonly #connections: PostgresConnections;
  readonly #transactions: PostgresTransactions;
  readonly #schema: string;
  readonly #endPool: () => Promise<void>;

  private constructor(
    description: string,
    connections: PostgresConnections,
    schema: string,
    endPool: () => Promise<void>,
  ) {
    this.description = description;
    this.#connections = connections;
    this.#transactions = new PostgresTransactions(connections, description);
    this.#schema = schema;
    this.#endPool = endPool;
  }

  /** Connects, and creates missing tables. Throws {@link ConfigurationError}. */
  static async open(connectionString: string, schema: string, logger: Logger): Promise<TargetSchema> {
    const pool = await openPostgresPool(connectionString, 1);
    const connections = new PostgresConnections(pool);
    const endPool = (): Promise<void> => {
      connections.close();
      return pool.end();
    };
    try {
      return await connections.with(async (connection) => {
        const { description } = await checkServer(connection, '--to', logger);
        await refuseOtherVersion(connection, schema);
        await migratePostgres(connection, schema);
        return new TargetSchema(`${description}, schema ${schema}`, connections, schema, endPool);
      });
    } catch (cause) {
      await endPool();
      throw postgresOpenFailure(cause, '--to', schema);
    }
  }

  /** Records which inbox is moved here. Throws {@link ConfigurationError} if the schema has other rows. */
  async begin(source: string): Promise<Begun> {
    const record = await this.#alone(async (connection) => {
      const table = recordTable(this.#schema);
      await connection.exec(`create table if not exists ${table} (${RECORD_COLUMNS})`);
      const found = await readRecord(connection, this.#schema);
      if (found) return found;
      await this.#requireNothing(connection);
      const begun: MoveRecord = { source, places: '{}', finished_at: null };
      await connection.all(`insert into ${table} values (1, $1, $2, null)`, [begun.source, begun.places]);
      return begun;
    });
    if (record.source !== source) {
      throw new ConfigurationError(
        '--schema',
        `another file was moved into ${this.description}, or this file before it was changed. Choose another schema, ` +
          this.#orDrop(),
      );
    }
    return {
      places: JSON.parse(record.places) as Places,
      ...(record.finished_at !== null && { finishedAt: new Date(record.finished_at) }),
    };
  }

  /** Writes rows and the progress in one transaction, so that an interruption never writes a row twice. */
  async write(step: Step, places: Places): Promise<Places> {
    const written = { ...places, [step.table]: step.upTo };
    try {
      await this.#transactions.run('write', () => this.#write(step, JSON.stringify(places), JSON.stringify(written)));
      return written;
    } catch (cause) {
      if (isRunhooksError(cause)) throw cause;
      const found = `${step.table}, rows after ${step.after} up to ${step.upTo}`;
      // Leaves out the server's message, because it may quote the content of a row.
      const reason = sqlState(cause) ?? (cause instanceof Error ? cause.name : 'no error');
      throw new MoveError(`${found}: the server rejected them (${reason}). See its log`, { cause });
    }
  }

  /** Allows apps to open the inbox. Throws {@link MoveError} if a table does not have the expected number of rows. */
  async finish(expected: Readonly<Record<Table, number>>, now: Date): Promise<void> {
    await this.#alone(async (connection) => {
      const rows = await this.#count(connection, [...TABLES, 'processes']);
      const differences = Object.entries({ ...expected, processes: 0 }).filter(
        ([table, count]) => rows[table] !== count,
      );
      if (differences.length > 0) {
        const counts = differences.map(([table, count]) => `${table}: expected ${count}, got ${rows[table]}`);
        throw new MoveError(
          `the rows in ${this.description} are not those of the file. ${counts.join('; ')}. Another program has written ` +
            `to the schema. Find it, ${this.#orDrop()}`,
        );
      }
      for (const table of NUMBERED) {
        const counted = `"${this.#schema}".${table}`;
        await connection.all(`select setval(pg_get_serial_sequence($1, 'seq'), max(seq)) from ${counted}`, [counted]);
      }
      await connection.all(`update ${recordTable(this.#schema)} set finished_at = $1`, [now.getTime()]);
    });
    // The first claims need current statistics for their plans.
    await this.#with(async (connection) => {
      for (const table of TABLES)
        await connection.exec(`analyze "${this.#schema}".${table}`, SQL_LIMITS.postgresMigrateMs);
    });
  }

  async close(): Promise<void> {
    await this.#endPool();
  }

  *#write({ table, rows }: Step, before: string, after: string): Transaction<void> {
    const moved = yield {
      sql: `update ${recordTable(this.#schema)} set places = $2 where places = $1 and finished_at is null`,
      parameters: [before, after],
      isCounted: true,
    };
    if (moved === 0) throw new MoveError(`another process is moving into ${this.description}. Run one move at a time`);
    const target = `"${this.#schema}".${table}`;
    yield {
      sql: `insert into ${target} overriding system value select * from json_populate_recordset(cast(null as ${target}), cast($1 as json))`,
      parameters: [toPostgresJson(rows.map(withHexBytes))],
    };
  }

  async #requireNothing(connection: PostgresConnection): Promise<void> {
    const rows = await this.#count(connection, [...TABLES, 'processes']);
    const found = Object.entries(rows).filter(([, count]) => count > 0);
    if (found.length === 0) return;
    throw new ConfigurationError(
      '--schema',
      `${this.description} is in use, with rows in ${found.map(([table]) => table).join(', ')}. ` +
        `Choose another schema, ${this.#orDrop()}`,
    );
  }

  async #count(connection: PostgresConnection, tables: readonly string[]): Promise<Record<string, number>> {
    const counts = tables.map((table) => `(select count(*) from "${this.#schema}".${table}) as ${table}`);
    const { rows } = await connection.ask({ text: `select ${counts.join(', ')}` }, SQL_LIMITS.postgresMigrateMs);
    return Object.fromEntries(Object.entries(rows[0] as object).map(([table, count]) => [table, Number(count)]));
  }

  /** Runs a step in a transaction that excludes other moves and starting processes. */
  async #alone<T>(step: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    return await this.#with((connection) =>
      transact(connection, BEGIN, async () => {
        await connection.all('select pg_advisory_xact_lock(hashtextextended($1, 0))', [
          lockKey(this.#schema, 'migrations'),
        ]);
        return await step(connection);
      }),
    );
  }

  async #with<T>(use: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    try {
      return await this.#connections.with(use);
    } catch (error) {
      throw postgresFailure(error, this.description);
    }
  }

  #orDrop(): string {
    return `or, if you need nothing in it, \`drop schema "${this.#schema}" cascade\``;
  }
}

/** Rejects a schema of another version, which this command must not change: it may be an inbox in use. */
async function refuseOtherVersion(connection: PostgresConnection, schema: string): Promise<void> {
  const table = `"${schema}".runhooks_migrations`;
  const [found] = await connection.all('select to_regclass($1) is not null as there', [table]);
  if ((found as { there: unknown }).there !== 't') return;
  const done = (await connection.all(`select name from ${table}`, [])) as { name: string }[];
  requireThisSchema(
    '--schema',
    `the schema ${schema}`,
    done.map(({ name }) => name),
  );
}

/** Returns a row with bytes in the format that Postgres parses from a string. */
function withHexBytes(row: object): object {
  const values = Object.entries(row).map(([column, value]: [string, unknown]) => [
    column,
    value instanceof Uint8Array ? `\\x${Buffer.from(value).toString('hex')}` : value,
  ]);
  return Object.fromEntries(values) as object;
}
