import fc from 'fast-check';

/** Property tests try the same values in every run, so that a red run can be repeated; `FC_SEED=…` tries others. */
fc.configureGlobal({ seed: Number(process.env.FC_SEED ?? 20_261_123) });
