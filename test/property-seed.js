import fc from 'fast-check';

fc.configureGlobal({
  // Property tests try the same values in every run, so that a red run can be repeated; `FC_SEED=…` tries others.
  seed: Number(process.env.FC_SEED ?? 20_261_123),
  // They end with fewer runs where the machine is slow; on a quiet one none takes a fifth of this. Properties that await
  // something use `checkProperty` of test/property.ts, which leaves no run behind.
  interruptAfterTimeLimit: Number(process.env.PROPERTY_MS ?? 20_000),
});
