/** Work of the inbox's own that is not a handler's: to look again, later, at what the inbox knows. */
export interface NewTask {
  /** Unique: the same task is never added twice. */
  readonly id: string;
  /** The handler it is for: only a process that has it can do the task. */
  readonly handlerId: string;
  readonly dueAt: Date;
  /** JSON text: what the task needs to know beside the state of the inbox. */
  readonly data: string;
}
