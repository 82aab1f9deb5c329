import type { RunEventType } from 'nestjs-runhooks/internal';
import {
  dbtCloudWebhook,
  paradimeWebhook,
  signParadime,
  type DbtCloudTestEvent,
  type ParadimeTestEvent,
  type SignedWebhook,
} from 'nestjs-runhooks/testing';
import type { Random } from './random.js';

/** A webhook that is sent until it is acknowledged. */
export interface PlannedMessage {
  readonly source: 'dbt' | 'paradime';
  /** The sender's id, as stored in the inbox. */
  readonly key: string;
  /** The provider's message type. */
  readonly messageType: string;
  /** Signs the webhook. The bytes are the same each time, but Paradime's signature covers the time of sending. */
  sign(now: Date): SignedWebhook;
}

/** A run with the webhooks its provider sends about it, and the events they must lead to. */
export interface PlannedRun {
  /** Run as `<source>/<account>/<run>`. */
  readonly run: string;
  readonly messages: readonly PlannedMessage[];
  readonly types: readonly RunEventType[];
}

const ACCOUNT = 43_786;
const WORKSPACE = 'n0sg8br1m44k0ryj';

const DBT: readonly { readonly sends: readonly DbtCloudTestEvent[]; readonly types: readonly RunEventType[] }[] = [
  { sends: ['started', 'succeeded'], types: ['run.started', 'run.succeeded', 'run.completed'] },
  // The failure is reported twice, but it is one fact.
  { sends: ['started', 'failed', 'completed-failed'], types: ['run.started', 'run.failed', 'run.completed'] },
  { sends: ['started', 'canceled'], types: ['run.started', 'run.canceled', 'run.completed'] },
];

const PARADIME: readonly { readonly sends: readonly ParadimeTestEvent[]; readonly types: readonly RunEventType[] }[] = [
  { sends: ['started', 'succeeded'], types: ['run.started', 'run.succeeded', 'run.completed'] },
  { sends: ['started', 'failed'], types: ['run.started', 'run.failed', 'run.completed'] },
  { sends: ['started', 'canceled'], types: ['run.started', 'run.canceled', 'run.completed'] },
];

/** Creates any number of runs and remembers them. */
export class RunPlan {
  readonly #random: Random;
  readonly #runs: PlannedRun[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  get runs(): readonly PlannedRun[] {
    return this.#runs;
  }

  next(now: Date): PlannedRun {
    const number = this.#runs.length + 1;
    const run = this.#random.chance(0.5) ? this.#dbtRun(number, now) : this.#paradimeRun(number, now);
    this.#runs.push(run);
    return run;
  }

  #dbtRun(number: number, now: Date): PlannedRun {
    const { sends, types } = this.#random.pick(DBT) ?? { sends: [], types: [] };
    const messages = sends.map((event): PlannedMessage => {
      const key = `wev_${number}_${event}`;
      const data = { runId: String(number), jobId: String(number % 20) };
      const webhook = dbtCloudWebhook({ event, now, payload: { accountId: ACCOUNT, eventId: key, data } });
      return { source: 'dbt', key, messageType: DBT_MESSAGE_TYPES[event], sign: () => webhook };
    });
    return { run: `dbt/${ACCOUNT}/${number}`, messages, types };
  }

  #paradimeRun(number: number, now: Date): PlannedRun {
    const { sends, types } = this.#random.pick(PARADIME) ?? { sends: [], types: [] };
    const messages = sends.map((event): PlannedMessage => {
      const key = `msg_${number}_${event}`;
      const schedule_name = `schedule-${number % 20}`;
      const { body } = paradimeWebhook({
        event,
        now,
        payload: { id: number, schedule_name, workspace: { uid: WORKSPACE } },
      });
      const messageType = event === 'started' ? 'bolt.run.started' : 'bolt.run.completed';
      return { source: 'paradime', key, messageType, sign: (at) => signParadime(body, { id: key, now: at }) };
    });
    return { run: `paradime/${WORKSPACE}/${number}`, messages, types };
  }
}

const DBT_MESSAGE_TYPES: Readonly<Record<DbtCloudTestEvent, string>> = {
  started: 'job.run.started',
  succeeded: 'job.run.completed',
  failed: 'job.run.errored',
  'completed-failed': 'job.run.completed',
  canceled: 'job.run.completed',
};
