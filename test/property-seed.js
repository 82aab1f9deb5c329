import fc from 'fast-check';

fc.configureGlobal({
  // Property tests use the same values in every run, so that a failing run can be repeated; `FC_SEED=…` uses other
  // values.
  seed: Number(process.env.FC_SEED ?? 20_261_123),
  // Properties make fewer runs on a slow machine; on an idle one none takes a fifth of this time. Properties that await
  // something use `checkProperty` of test/property.ts, which leaves no run behind.
  interruptAfterTimeLimit: Number(process.env.PROPERTY_MS ?? 20_000),
});
