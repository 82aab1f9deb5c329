import type { Source } from 'nestjs-runhooks/core';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { paradime } from 'nestjs-runhooks/paradime';
import { TEST_SECRETS } from 'nestjs-runhooks/testing';
import type { Family } from './bodies.js';

const KIB = 1_024;
const YEAR_MS = 366 * 24 * 60 * 60 * 1_000;

export const GATEWAY_SECRETS = ['old-secret-of-the-fuzz-test', 'new-secret-of-the-fuzz-test'] as const;
export const TOKEN = 'Bearer token-of-the-fuzz-test';

/** A source for which requests are created. */
export interface Target {
  readonly name: 'dbt' | 'gateway' | 'paradime' | 'token';
  readonly path: string;
  readonly family: Family;
  readonly bodyBytesMax: number;
  /** The header that proves the sender, or the last of several. */
  readonly proof: string;
}

export const TARGETS: readonly Target[] = [
  target('dbt', 'dbt-cloud', KIB * KIB, 'authorization'),
  target('gateway', 'dbt-cloud', 16 * KIB, 'x-forwarded-authorization'),
  target('paradime', 'paradime', 256 * KIB, 'webhook-signature'),
  target('token', 'paradime', 64 * KIB, 'x-fuzz-token'),
];

/** Sources whose signature covers every byte, so that a changed body is noticed. */
export const SIGNED_TARGETS = TARGETS.filter(({ name }) => name !== 'token');

export function targetOf(name: Target['name']): Target {
  return TARGETS.find((one) => one.name === name) as Target;
}

function target(name: Target['name'], family: Family, bodyBytesMax: number, proof: string): Target {
  return { name, path: `/webhooks/${name}`, family, bodyBytesMax, proof };
}

/** Returns the sources of the app, one for each signature scheme. */
export function sources(): Source[] {
  const limits = (name: Target['name']) => ({ name, bodyBytesMax: targetOf(name).bodyBytesMax });
  return [
    dbtCloud({ ...limits('dbt'), secrets: [TEST_SECRETS.dbtCloud] }),
    dbtCloud({
      ...limits('gateway'),
      secrets: GATEWAY_SECRETS,
      signatureHeader: 'X-Forwarded-Authorization',
      accessUrl: 'https://ab123.us1.dbt.com',
      testRunIds: ['12345'],
      // Checks the time in every body, but accepts any age.
      maxAgeMs: 100 * YEAR_MS,
    }),
    paradime({ ...limits('paradime'), secrets: [TEST_SECRETS.paradime] }),
    paradime({ ...limits('token'), scheme: 'static-token', header: 'X-Fuzz-Token', tokens: [TOKEN] }),
  ];
}

/** Strings that must never be in a log line or a response. */
export const SECRETS: readonly string[] = [TEST_SECRETS.dbtCloud, TEST_SECRETS.paradime, ...GATEWAY_SECRETS, TOKEN];
