import { readLedger, type Effect } from './ledger.js';
import { openSqlite } from './sqlite-file.js';

/** The content of an inbox and its ledger, read with plain SQL so that Runhooks does not verify itself. */
export interface Evidence {
  /** Result of SQLite's integrity check: `ok`, or the errors. Not used for servers. */
  readonly integrity?: readonly string[];
  readonly messages: readonly MessageEvidence[];
  readonly events: readonly EventEvidence[];
  /** Deliveries in the order of recording. */
  readonly deliveries: readonly DeliveryEvidence[];
  readonly attempts: readonly AttemptEvidence[];
  /** Totals that `counts()` returns. */
  readonly totals: readonly TotalEvidence[];
  readonly effects: readonly Effect[];
}

export interface MessageEvidence {
  readonly id: string;
  readonly source: string;
  readonly key: string;
  readonly state: string;
  /** Run of the message as `<source>/<account>/<run>`, read from its bytes. */
  readonly run: string;
}

export interface EventEvidence {
  readonly id: string;
  readonly type: string;
  readonly messageId: string;
}

export interface DeliveryEvidence {
  readonly id: string;
  readonly eventId: string;
  readonly handlerId: string;
  readonly state: string;
  readonly attempts: number;
}

export interface AttemptEvidence {
  readonly deliveryId: string;
  readonly attempt: number;
  readonly outcome: string;
}

export interface TotalEvidence {
  readonly kind: string;
  readonly total: number;
}

export async function readEvidence(inbox: string, ledger: string): Promise<Evidence> {
  const file = await openSqlite(inbox);
  try {
    const integrity = file.all<{ integrity_check: string }>('pragma integrity_check');
    return {
      integrity: integrity.map((row) => row.integrity_check),
      ...(await readTables((sql) => file.all(sql))),
      effects: readLedger(ledger),
    };
  } finally {
    file.close();
  }
}

/** Reads the tables with SQL that every engine supports. */
export async function readTables(
  all: <Row>(sql: string) => Row[] | Promise<Row[]>,
): Promise<Omit<Evidence, 'integrity' | 'effects'>> {
  const messages = await all<Omit<MessageEvidence, 'run'> & { body: Uint8Array }>(
    'select id, source, message_key as key, state, body from messages',
  );
  return {
    messages: messages.map(({ body, ...message }) => ({ ...message, run: runOf(message.source, body) })),
    events: await all('select id, type, message_id as "messageId" from events'),
    deliveries: await all(
      `select id, event_id as "eventId", handler_id as "handlerId", state, cast(attempts as integer) as attempts
       from deliveries order by seq`,
    ),
    // A first attempt that succeeded is in the row of its delivery.
    attempts: await all(
      `select delivery_id as "deliveryId", cast(attempt as integer) as attempt, outcome from attempts
       union all select id, 1, 'succeeded' from deliveries where started_at is not null`,
    ),
    totals: await all('select kind, cast(sum(amount) as integer) as total from series where minute = 0 group by kind'),
  };
}

/** The parts of both providers' payloads that identify a run. */
interface Payload {
  readonly accountId?: number;
  readonly data?: { readonly runId: string };
  readonly id?: number;
  readonly workspace?: { readonly uid: string };
}

function runOf(source: string, body: Uint8Array): string {
  const { accountId, data, id, workspace } = JSON.parse(Buffer.from(body).toString('utf8')) as Payload;
  return `${source}/${accountId ?? workspace?.uid}/${data?.runId ?? id}`;
}
