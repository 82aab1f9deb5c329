/** A database server that contenders use. */
export interface Server {
  readonly url: string;
  /** Returns the CPU time that its processes have used, in milliseconds; only differences have a meaning. */
  cpuMs(): number;
  stop(): Promise<void>;
}

/** Servers by name: Redis differs in when it flushes its log. */
export const SERVER_NAMES = ['postgres', 'redis-always', 'redis-everysec'] as const;

export type ServerName = (typeof SERVER_NAMES)[number];
