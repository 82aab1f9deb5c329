/**
 * Default secrets of the builders of `nestjs-runhooks/testing`. They are public, so startup fails with them if `NODE_ENV`
 * is `production`.
 */
export const TEST_SECRETS = Object.freeze({
  /** Secret for `dbtCloud({ secrets: [TEST_SECRETS.dbtCloud] })`. */
  dbtCloud: 'runhooks-test-secret-of-dbt-cloud',
  /** Secret for `paradime({ secrets: [TEST_SECRETS.paradime] })`. */
  paradime: 'whsec_cnVuaG9va3MtdGVzdC1zZWNyZXQtb2YtcGFyYWRpbWU=',
});

/** Secrets that this package or the documentation of its providers prints. Everyone can sign with them. */
export const PUBLISHED_SECRETS: readonly string[] = Object.freeze([
  ...Object.values(TEST_SECRETS),
  // The quickstart in README.md.
  'only-for-this-laptop',
  // The test in docs/custom-provider.md.
  'whsec_YSBzZWNyZXQgb2YgdGhlIHRlc3Q=',
  // dbt's documentation of webhooks.
  '12345abcde',
  // The specification of Standard Webhooks, its libraries, and the documentation of Svix.
  'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD',
  'whsec_plJ3nmyCDGBKInavdOK15jsl',
  'whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=',
]);
