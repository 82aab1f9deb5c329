import { connectSqlite, type SqliteConnection } from 'inside/sqlite-connection';

/** Called before each call of a connection. If it throws, the call fails without running. */
export interface CallWatch {
  before?(call: string, connection: SqliteConnection): void;
  /** Called after each call. If it throws, the call fails although it ran. */
  after?(call: string, connection: SqliteConnection): void;
}

/** Opens real connections whose calls all pass through the watch. */
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
