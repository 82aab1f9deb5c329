/** Secrets that the senders sign with and the contenders verify. */
export const SECRETS = {
  dbt: 'bench-dbt-secret-6f1d2c8a',
  paradime: 'whsec_YmVuY2gtcGFyYWRpbWUtc2VjcmV0LTAxMjM0NTY3',
  github: 'bench-github-secret-91c0a7',
  stripe: 'whsec_bench_stripe_secret_51b3',
} as const;
