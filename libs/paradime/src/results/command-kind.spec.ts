import { describe, expect, it } from '@jest/globals';
import { commandKindOf } from './command-kind.js';

describe('the kind of a command', () => {
  it.each([
    'dbt run',
    'dbt build --select tag:nightly --target prod',
    '  dbt   test',
    'dbt --log-level debug --no-partial-parse seed',
    'dbt --target test snapshot',
    'dbt run-operation grant_access',
    'dbt retry',
    'poetry run dbt build',
    '/opt/venv/bin/dbt run --select docs',
    'dbtf build',
    'dbt deps && dbt build',
    'dbt source freshness && dbt build',
  ])('is nodes for "%s"', (command) => {
    expect(commandKindOf(command)).toBe('nodes');
  });

  it.each(['dbt source freshness', 'dbt --quiet source freshness --select source:raw', 'dbt freshness'])(
    'is freshness for "%s"',
    (command) => {
      expect(commandKindOf(command)).toBe('freshness');
    },
  );

  it.each([
    'git clone ...',
    'dbt deps',
    'dbt parse',
    'dbt docs generate',
    'dbt compile --select run',
    'dbt ls',
    'dbt --version',
    'dbt deps; dbt docs generate',
  ])('is no-nodes for "%s"', (command) => {
    expect(commandKindOf(command)).toBe('no-nodes');
  });

  it.each(['python scripts/nightly.py', 'edr monitor', 'dbt', 'dbt something-new', 'dbt-coverage run', ''])(
    'is unknown for "%s"',
    (command) => {
      expect(commandKindOf(command)).toBe('unknown');
    },
  );
});
