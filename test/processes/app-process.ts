import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { InboxStatus, MissingHandler } from 'nestjs-runhooks';
import { dbtCloudWebhook } from 'nestjs-runhooks/testing';
import type { ProcessOptions } from './app.js';

const APP = fileURLToPath(new URL('app.ts', import.meta.url));
const TYPESCRIPT = fileURLToPath(new URL('../faults/preload/typescript.mjs', import.meta.url));

/** The state of the inbox as the process sees it. */
export interface InboxState {
  readonly counts: InboxStatus;
  readonly missingHandlers: readonly MissingHandler[];
}

/** An app in a separate process. */
export class AppProcess {
  /** Handler calls as `<handler> <run>`, in the order they ran. */
  readonly ran: string[] = [];
  readonly warnings: string[] = [];
  url = '';
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #listeners = new Map<string, (value: unknown) => void>();

  private constructor(options: ProcessOptions) {
    const args = ['--disable-warning=ExperimentalWarning', '--import', TYPESCRIPT, APP, JSON.stringify(options)];
    this.#child = spawn(process.execPath, args, {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    this.#exited = new Promise((resolve) => this.#child.on('exit', resolve));
    createInterface(this.#child.stdout!).on('line', (line) => this.#hear(line));
  }

  static async start(options: ProcessOptions): Promise<AppProcess> {
    const app = new AppProcess(options);
    app.url = (await app.#next('ready')) as string;
    return app;
  }

  /** Sends a webhook of a successful run. */
  async send(runId: string): Promise<number> {
    const { body, headers } = dbtCloudWebhook({ event: 'succeeded', payload: { data: { runId } } });
    const response = await fetch(`${this.url}/webhooks/dbt`, { method: 'POST', body: new Uint8Array(body), headers });
    await response.arrayBuffer();
    return response.status;
  }

  async inboxState(): Promise<InboxState> {
    const state = this.#next('inbox');
    this.#child.stdin!.write('inbox\n');
    return (await state) as InboxState;
  }

  async close(): Promise<void> {
    this.#child.stdin!.end();
    await this.#exited;
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  #next(what: string): Promise<unknown> {
    const ended = this.#exited.then(() => Promise.reject(new Error(`the process ended before it was ${what}`)));
    return Promise.race([new Promise((resolve) => this.#listeners.set(what, resolve)), ended]);
  }

  #hear(line: string): void {
    const [what = ''] = line.split(' ', 1);
    const value: unknown = JSON.parse(line.slice(what.length + 1));
    if (what === 'ran') this.ran.push(value as string);
    else if (what === 'warned') this.warnings.push(value as string);
    else this.#listeners.get(what)?.(value);
  }
}
