import type { Clock } from 'nestjs-runhooks';
import type { Faults } from '../faults.js';
import { StateHistory } from '../state-history.js';
import type { BoltSchedule } from './bolt-schedule.js';
import type {
  FakeBoltCancelOptions,
  FakeBoltEndOptions,
  FakeBoltFiles,
  FakeBoltRun,
  FakeBoltRunOptions,
  FakeBoltState,
} from './fake-bolt-run.js';

/** A file of a command. */
export interface BoltResource {
  readonly id: number;
  readonly path: string;
  /** `null` if it is lost. */
  readonly content: string | null;
}

/** A command of a run. All but its id and text is null while it runs. */
export interface BoltCommand {
  readonly id: number;
  readonly command: string;
  readonly startAt: Date | null;
  readonly endAt: Date | null;
  readonly stdout: string | null;
  readonly stderr: string | null;
  readonly returnCode: number | null;
  readonly resources: readonly BoltResource[];
}

/** Part of a run that changes. */
export interface BoltRunState {
  readonly state: FakeBoltState;
  readonly startAt: Date | null;
  readonly endAt: Date | null;
  /** When files of its commands can be read. */
  readonly artifactsAt: Date | null;
  readonly error: string | null;
  readonly commands: readonly BoltCommand[];
}

/** Workspace of runs, as they see it. */
export interface RunWorkspace {
  readonly name: string;
  readonly uid: string;
  readonly clock: Clock;
  readonly faults: Faults;
  newId(kind: 'command' | 'resource'): number;
  announce(run: BoltRun, event: 'started' | 'succeeded' | 'failed'): Promise<void>;
}

/** Commands that Bolt runs before those of a schedule. */
const COMMANDS_BEFORE = ['git clone ...', 'dbt deps'];

/** A run, its states and its commands. */
export class BoltRun implements FakeBoltRun {
  readonly states: StateHistory<BoltRunState>;

  constructor(
    readonly workspace: RunWorkspace,
    readonly of: BoltSchedule,
    readonly id: string,
    readonly options: FakeBoltRunOptions,
    readonly reason: string | undefined,
    /** Run that this one retries. */
    readonly parent: BoltRun | undefined,
  ) {
    this.states = new StateHistory<BoltRunState>(workspace.clock.now(), {
      state: 'STARTING',
      startAt: null,
      endAt: null,
      artifactsAt: null,
      error: null,
      commands: [],
    });
  }

  get schedule(): string {
    return this.of.key;
  }

  get commands(): readonly string[] {
    return this.options.commands ?? this.of.commands;
  }

  get branch(): string | null {
    return this.options.branch === undefined ? 'main' : this.options.branch;
  }

  get state(): FakeBoltState {
    return this.states.current.state;
  }

  get retryOf(): string | undefined {
    return this.parent?.id;
  }

  /** Whether the run has not ended. */
  get isOpen(): boolean {
    return this.state === 'STARTING' || this.state === 'RUNNING';
  }

  /**
   * Returns the commands of a retry that resumes this run: those from the first one that failed, which becomes `dbt retry` if
   * it is one of dbt.
   */
  get commandsToResume(): readonly string[] {
    const failed = this.states.current.commands.find(({ returnCode }) => returnCode !== null && returnCode !== 0);
    if (failed === undefined) return this.commands;
    const from = this.commands.indexOf(failed.command);
    return this.commands.slice(from).map((command, index) => {
      return index === 0 && command.startsWith('dbt ') ? 'dbt retry' : command;
    });
  }

  async start(): Promise<this> {
    this.#requireState('start', 'STARTING');
    const [first = ''] = this.#allCommands;
    this.#change({ state: 'RUNNING', startAt: this.workspace.clock.now(), commands: [this.#runningCommand(first)] });
    await this.workspace.announce(this, 'started');
    return this;
  }

  async succeed(options: Parameters<FakeBoltRun['succeed']>[0] = {}): Promise<this> {
    return this.#end('SUCCESS', undefined, options);
  }

  async fail(options: FakeBoltEndOptions = {}): Promise<this> {
    return this.#end('FAILED', this.#failed(options), options);
  }

  async error(options: FakeBoltEndOptions = {}): Promise<this> {
    return this.#end('ERROR', this.#failed(options), options);
  }

  async cancel({ withoutEnd = false }: FakeBoltCancelOptions = {}): Promise<this> {
    this.#requireState('cancel', 'STARTING', 'RUNNING');
    this.#change({ state: 'CANCELED', endAt: withoutEnd ? null : this.workspace.clock.now() });
    return this;
  }

  async skip(): Promise<this> {
    this.#requireState('be skipped', 'STARTING');
    this.#change({ state: 'SKIPPED', endAt: this.workspace.clock.now() });
    return this;
  }

  /** Commands of Bolt, and those of the run. A retry skips the first ones. */
  get #allCommands(): readonly string[] {
    return this.parent === undefined ? [...COMMANDS_BEFORE, ...this.commands] : this.commands;
  }

  #failed({ command }: FakeBoltEndOptions): number {
    const index = command === undefined ? this.commands.length - 1 : this.commands.indexOf(command);
    if (index >= 0) return index;
    throw new RangeError(`command: expected one of ${this.commands.join(', ')}, got ${JSON.stringify(command)}`);
  }

  async #end(state: FakeBoltState, failed: number | undefined, options: FakeBoltEndOptions): Promise<this> {
    this.#requireState('end', 'RUNNING');
    this.#requireCommands(options);
    const endAt = this.workspace.clock.now();
    const artifactsAt = new Date(endAt.getTime() + this.workspace.faults.artifactsMs);
    const commands = this.#endedCommands(failed, options, endAt);
    this.#change({ state, endAt, artifactsAt, error: options.error ?? null, commands });
    await this.workspace.announce(this, state === 'SUCCESS' ? 'succeeded' : 'failed');
    return this;
  }

  /** Returns the commands that ran. The one that failed, or else the last one, has the logs, `results` and `artifacts`. */
  #endedCommands(failed: number | undefined, options: FakeBoltEndOptions, endAt: Date): BoltCommand[] {
    const all = this.#allCommands;
    const told = failed === undefined ? all.length - 1 : all.length - this.commands.length + failed;
    const ran = options.continueOnError ? all : all.slice(0, told + 1);
    const [running] = this.states.current.commands;
    return ran.map((command, index) => {
      const begun = index === 0 && running ? running : this.#runningCommand(command);
      const isTold = index === told;
      return {
        ...begun,
        startAt: this.states.current.startAt,
        endAt,
        stdout: (isTold ? options.stdout : undefined) ?? `${command}\n`,
        stderr: (isTold ? options.stderr : undefined) ?? '',
        returnCode: isTold && failed !== undefined ? 1 : 0,
        resources: this.#resourcesOf({ ...options.files?.[command], ...(isTold && filesOf(options)) }),
      };
    });
  }

  #runningCommand(command: string): BoltCommand {
    const id = this.workspace.newId('command');
    const nothing = { startAt: null, endAt: null, stdout: null, stderr: null, returnCode: null };
    return { id, command, ...nothing, resources: [] };
  }

  #resourcesOf(files: FakeBoltFiles): BoltResource[] {
    return Object.entries(files).map(([path, file]) => ({
      id: this.workspace.newId('resource'),
      path,
      content: typeof file === 'object' && file !== null ? JSON.stringify(file) : file,
    }));
  }

  #change(changes: Partial<BoltRunState>): void {
    this.states.change(this.workspace.clock.now(), changes);
  }

  #requireCommands({ files = {} }: FakeBoltEndOptions): void {
    const all = this.#allCommands;
    const other = Object.keys(files).find((command) => !all.includes(command));
    if (other === undefined) return;
    throw new RangeError(`files: expected commands of ${all.join(', ')}, got ${JSON.stringify(other)}`);
  }

  #requireState(action: string, ...states: readonly FakeBoltState[]): void {
    if (states.includes(this.state)) return;
    throw new RangeError(
      `Run ${this.id} cannot ${action}: expected the state ${states.join(' or ')}, got ${this.state}`,
    );
  }
}

function filesOf({ results, artifacts }: FakeBoltEndOptions): FakeBoltFiles {
  return { ...artifacts, ...(results !== undefined && { 'target/run_results.json': results }) };
}
