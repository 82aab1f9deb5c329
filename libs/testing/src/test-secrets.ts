/** The secrets that the builders sign with unless told otherwise. Known to everybody: for tests only. */
export const TEST_SECRETS = Object.freeze({
  /** For `dbtCloud({ secrets: [TEST_SECRETS.dbtCloud] })`. */
  dbtCloud: 'runhooks-test-secret-of-dbt-cloud',
  /** For `paradime({ secrets: [TEST_SECRETS.paradime] })`. */
  paradime: 'whsec_cnVuaG9va3MtdGVzdC1zZWNyZXQtb2YtcGFyYWRpbWU=',
});
