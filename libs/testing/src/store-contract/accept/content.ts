import { equal, ok } from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { StoreHarness } from '../store-harness.js';
import { at, onlyOne } from '../store-harness.js';
import type { ContractCase } from '../contract-case.js';
import { same } from '../same.js';

const BODIES: Readonly<Record<string, () => Uint8Array>> = {
  'every byte there is': () => Uint8Array.from({ length: 256 }, (_, byte) => byte),
  'bytes that are not UTF-8': () => Buffer.from([0x7b, 0xff, 0xfe, 0xc0, 0x80, 0x7d]),
  'a NUL': () => Buffer.from('{"text":"\0"}'),
  'a UTF-8 byte order mark': () => Buffer.from('\ufeff{}'),
  '1 MiB': () => randomBytes(1024 * 1024),
  'a view into a larger buffer': () => Buffer.from('before{}after').subarray(6, 8),
};

/** Strings that a store would change or reject if it parsed them. */
const TEXTS: Readonly<Record<string, string>> = {
  'quotes and a backslash': `'"\\`,
  'what SQL and globs treat specially': `%_*?;--`,
  'letters beyond the basic plane': 'größe 🦆 漢字',
};

export const contentCases: readonly ContractCase[] = [
  ...Object.entries(BODIES).map(([what, body]): ContractCase => ({
    title: `content: returns a body byte for byte: ${what}`,
    run: (harness) => keepsBody(harness, body()),
  })),
  {
    title: 'content: returns a claimed message with all its fields',
    run: async (harness) => {
      const headers = { 'webhook-id': 'msg_1', 'x-latin': 'é', 'x-empty': '' };
      const message = harness.message({ headers, receivedAt: at(123) });
      await harness.store.append(message);
      const claimed = onlyOne(await harness.takeMessages({ at: 200 }));
      equal(claimed.id, message.id);
      equal(claimed.source, message.source);
      equal(claimed.provider, message.provider);
      equal(claimed.messageKey, message.messageKey);
      equal(claimed.state, 'stored');
      equal(claimed.receivedAt.getTime(), at(123).getTime());
      same(claimed.headers, headers);
    },
  },
  ...Object.entries(TEXTS).map(([what, messageKey]): ContractCase => ({
    title: `content: returns a message key unchanged: ${what}`,
    run: async (harness) => {
      await harness.append({ messageKey });
      equal(onlyOne(await harness.takeMessages()).messageKey, messageKey);
    },
  })),
  {
    title: 'content: distinguishes message keys that differ only in case',
    run: async (harness) => {
      const body = Buffer.from('{}');
      await harness.append({ messageKey: 'key', body });
      equal((await harness.append({ messageKey: 'KEY', body })).status, 'accepted');
    },
  },
  ...['a NUL \0', 'a lone surrogate \ud800'].map((messageKey): ContractCase => ({
    title: `content: stores a message with any key, or as quarantined bytes: ${JSON.stringify(messageKey)}`,
    run: async (harness) => {
      const body = Buffer.from('{"kept":true}');
      const [odd, plain] = await Promise.all([harness.append({ messageKey, body }), harness.append()]);
      same([odd.status, plain.status], ['accepted', 'accepted']);
      const message = await harness.store.message(odd.id);
      ok(message?.state === 'stored' || message?.state === 'quarantined');
      equal(Buffer.compare(message.body, body), 0);
      equal((await harness.append({ messageKey, body })).id, odd.id);
    },
  })),
  {
    title: 'content: returns the data of an event unchanged, even with escapes that no database can decode',
    run: async (harness) => {
      const data = '{"nul":"\\u0000", "lone":"\\ud800",  "duck":"🦆", "big":12345678901234567890}';
      await harness.recordEvent(harness.event({ data }));
      equal(onlyOne(await harness.takeDeliveries()).event.data, data);
    },
  },
  {
    title: 'content: records an attempt, whatever the text of its error',
    run: async (harness) => {
      await harness.recordEvent(harness.event());
      const { id, lease } = onlyOne(await harness.takeDeliveries());
      const text = `NUL \0, a lone surrogate \ud800, a duck 🦆, ${'long '.repeat(1_000)}`;
      const attempt = { startedAt: at(0), finishedAt: at(1), outcome: 'failed' } as const;
      const error = { name: text, message: text, stack: text };
      const next = { state: 'dead' } as const;
      same(await harness.settleAll([{ deliveryId: id, lease, attempt: { ...attempt, error }, next }], at(1)), [true]);
      equal((await harness.store.attempts(id))[0]?.outcome, 'failed');
    },
  },
];

async function keepsBody(harness: StoreHarness, body: Uint8Array): Promise<void> {
  await harness.append({ body });
  const claimed = onlyOne(await harness.takeMessages());
  equal(Buffer.compare(claimed.body, body), 0);
}
