import { readFileSync } from 'node:fs';
import { itAgreesWithClassValidator } from '../../../test/providers/payload-plan.js';
import { ParadimePayload } from './payload.js';

const fixtures = new URL('../../../test/fixtures/paradime/', import.meta.url);

const SAMPLES = ['run-started', 'run-completed-failed'].map(
  (name) => JSON.parse(readFileSync(new URL(`${name}.json`, fixtures), 'utf8')) as Record<string, unknown>,
);

itAgreesWithClassValidator(ParadimePayload, SAMPLES);
