/** Returns a port, some of whose members are others. */
export function withMembers<T extends object>(port: T, members: Partial<T>): T {
  return new Proxy(port, {
    get: (target, name) => {
      if (Object.hasOwn(members, name)) return Reflect.get(members, name) as unknown;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
