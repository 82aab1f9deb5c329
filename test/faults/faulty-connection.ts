import { connectSqlite, type SqliteConnection } from 'inside/sqlite-connection';

/** Told before each call of a connection. Throwing makes the call fail without being made. */
export interface CallWatch {
  before?(call: string, connection: SqliteConnection): void;
  /** Throwing makes the call fail although it was made. */
  after?(call: string, connection: SqliteConnection): void;
}

/** Opens real connections, with somebody between them and the store who sees every call. */
export function watchedConnect(watch: CallWatch): typeof connectSqlite {
  return async (file, driver, options) => {
    const real = await connectSqlite(file, driver, options);
    const watched = <T>(call: string, make: () => T): T => {
      watch.before?.(call, real);
      const result = make();
      watch.after?.(call, real);
      return result;
    };
    return {
      driver: real.driver,
      all: (sql, parameters) => watched(sql, () => real.all(sql, parameters)),
      change: (sql, parameters) => watched(sql, () => real.change(sql, parameters)),
      exec: (sql) => watched(sql, () => real.exec(sql)),
      close: () => watched('close', () => real.close()),
    };
  };
}
