import { readdirSync, readFileSync } from 'node:fs';
import { itAgreesWithClassValidator } from '../../../test/providers/payload-plan.js';
import { toCurrentShape } from './generations.js';
import { DbtCloudPayload } from './payload.js';

const fixtures = new URL('../../../test/fixtures/dbt-cloud/', import.meta.url);

/** All samples except the lifecycle event of 2021, which is not parsed. */
const SAMPLES = readdirSync(fixtures)
  .filter((name) => !name.startsWith('01-'))
  .map((name) => toCurrentShape(JSON.parse(readFileSync(new URL(name, fixtures), 'utf8'))).value)
  .map((value) => value as Record<string, unknown>);

itAgreesWithClassValidator(DbtCloudPayload, SAMPLES);
