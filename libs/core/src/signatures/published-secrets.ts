/**
 * Secrets that the builders of `nestjs-runhooks/testing` sign with unless told otherwise. Everybody knows them: they
 * stop the boot where `NODE_ENV` is `production`.
 */
export const TEST_SECRETS = Object.freeze({
  /** For `dbtCloud({ secrets: [TEST_SECRETS.dbtCloud] })`. */
  dbtCloud: 'runhooks-test-secret-of-dbt-cloud',
  /** For `paradime({ secrets: [TEST_SECRETS.paradime] })`. */
  paradime: 'whsec_cnVuaG9va3MtdGVzdC1zZWNyZXQtb2YtcGFyYWRpbWU=',
});

/** Secrets that this package or the pages of its providers print. Anyone can sign with them. */
export const PUBLISHED_SECRETS: readonly string[] = Object.freeze([
  ...Object.values(TEST_SECRETS),
  // The first hour in README.md.
  'only-for-this-laptop',
  // The test in docs/custom-provider.md.
  'whsec_YSBzZWNyZXQgb2YgdGhlIHRlc3Q=',
  // dbt's page about webhooks.
  '12345abcde',
  // The specification of Standard Webhooks, its libraries and the pages of Svix.
  'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD',
  'whsec_plJ3nmyCDGBKInavdOK15jsl',
  'whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=',
]);
