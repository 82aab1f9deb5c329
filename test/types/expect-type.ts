/** Compiles only if both types are identical; `any` and `unknown` differ. */
export function expectSame<A, B>(..._same: Same<A, B> extends true ? [] : ['these types differ', A, B]): void {}

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
