import type { GraphqlOperation, GraphqlValue, Selection } from './graphql-document.js';
import { GraphqlRefusal } from './graphql-refusal.js';

/** Fields of the object types by name: the type of an object, or `null` for a scalar. */
export type ObjectTypes = Readonly<Record<string, Readonly<Record<string, string | null>>>>;

/** Arguments of a field, by name. */
export type Arguments = Readonly<Record<string, unknown>>;

/** A field of the root. */
export interface RootField<Context> {
  /** Types of the arguments, for example `Int!`. */
  readonly args: Readonly<Record<string, string>>;
  readonly type: string;
  resolve(context: Context, args: Arguments): unknown;
}

type Roots<Context> = Readonly<Record<GraphqlOperation['kind'], Readonly<Record<string, RootField<Context>>>>>;

/** A schema, as far as the fake knows it. */
export interface Schema<Context> {
  readonly objects: ObjectTypes;
  readonly roots: Roots<Context>;
}

/**
 * Executes an operation after it has checked every field, argument and variable.
 *
 * @throws GraphqlRefusal for what the schema does not have
 */
export function execute<Context>(
  schema: Schema<Context>,
  operation: GraphqlOperation,
  variables: Arguments,
  context: Context,
): Record<string, unknown> {
  const root = operation.kind === 'query' ? 'Query' : 'Mutation';
  checkVariables(operation, variables);
  const known = schema.roots[operation.kind];
  const planned = operation.fields.map((selection) => {
    const field = Object.hasOwn(known, selection.name) ? known[selection.name] : undefined;
    if (field === undefined) throw unknownField(selection.name, root);
    checkFields(schema.objects, field.type, selection);
    return { field, selection, args: argumentsOf(field, selection, operation, variables) };
  });
  return Object.fromEntries(
    planned.map(({ field, selection, args }) => [selection.name, pick(field.resolve(context, args), selection.fields)]),
  );
}

function checkVariables({ variables: declared }: GraphqlOperation, given: Arguments): void {
  for (const { name, type } of declared) requireType(given[name], type, `Variable "$${name}"`);
}

function checkFields(
  objects: ObjectTypes,
  type: string | null,
  { name, fields, args }: Selection,
  isRoot = true,
): void {
  if (!isRoot && args.size > 0) throw new GraphqlRefusal(`Unknown argument on field "${name}".`);
  const known = type === null ? undefined : objects[type];
  if (known === undefined) {
    if (fields === undefined) return;
    throw new GraphqlRefusal(`Field "${name}" must not have a selection since it has no subfields.`);
  }
  if (fields === undefined)
    throw new GraphqlRefusal(`Field "${name}" of type "${type}" must have a selection of subfields.`);
  for (const field of fields) {
    const inner = Object.hasOwn(known, field.name) ? known[field.name] : undefined;
    if (inner === undefined) throw unknownField(field.name, type ?? '');
    checkFields(objects, inner, field, false);
  }
}

function argumentsOf<Context>(
  { args: known }: RootField<Context>,
  { name, args }: Selection,
  { variables: declared }: GraphqlOperation,
  given: Arguments,
): Arguments {
  for (const argument of args.keys()) {
    if (!Object.hasOwn(known, argument)) throw new GraphqlRefusal(`Unknown argument "${argument}" on field "${name}".`);
  }
  return Object.fromEntries(
    Object.entries(known).map(([argument, type]) => {
      const value = valueOf(args.get(argument), type, declared, given);
      requireType(value, type, `Argument "${argument}" of field "${name}"`);
      return [argument, value];
    }),
  );
}

function valueOf(
  value: GraphqlValue | undefined,
  type: string,
  declared: GraphqlOperation['variables'],
  given: Arguments,
): unknown {
  if (value === undefined) return undefined;
  if ('constant' in value) return value.constant;
  const variable = declared.find(({ name }) => name === value.variable);
  if (variable === undefined) throw new GraphqlRefusal(`Variable "$${value.variable}" is not defined.`);
  // A variable that is never null also fits an argument that can be.
  if (variable.type !== type && variable.type !== `${type}!`) {
    const { name, type: declaredType } = variable;
    throw new GraphqlRefusal(
      `Variable "$${name}" of type "${declaredType}" used in position expecting type "${type}".`,
    );
  }
  return given[value.variable];
}

const INT_MAX = 2 ** 31 - 1;

const SCALARS: Readonly<Record<string, (value: unknown) => boolean>> = {
  Int: (value) => Number.isInteger(value) && Math.abs(Number(value)) <= INT_MAX,
  String: (value) => typeof value === 'string',
  Boolean: (value) => typeof value === 'boolean',
};

function requireType(value: unknown, type: string, subject: string): void {
  const isRequired = type.endsWith('!');
  const bare = isRequired ? type.slice(0, -1) : type;
  if (value === undefined || value === null) {
    if (isRequired) throw new GraphqlRefusal(`${subject} of required type "${type}" was not provided.`);
    return;
  }
  if (bare.startsWith('[')) {
    if (!Array.isArray(value)) throw new GraphqlRefusal(`${subject} got an invalid value; expected type "${type}".`);
    for (const one of value) requireType(one, bare.slice(1, -1), subject);
    return;
  }
  // Input objects have names that only Paradime's own schema fixes.
  const fits = SCALARS[bare] ?? ((one: unknown) => typeof one === 'object');
  if (!fits(value)) throw new GraphqlRefusal(`${subject} got an invalid value; expected type "${type}".`);
}

function unknownField(name: string, type: string): GraphqlRefusal {
  return new GraphqlRefusal(`Cannot query field "${name}" on type "${type}".`);
}

/** Returns only the fields that were asked for. */
function pick(value: unknown, fields: readonly Selection[] | undefined): unknown {
  if (fields === undefined || value === null || value === undefined) return value ?? null;
  if (Array.isArray(value)) return value.map((one) => pick(one, fields));
  const known = new Map(Object.entries(value));
  return Object.fromEntries(fields.map(({ name, fields: inner }) => [name, pick(known.get(name), inner)]));
}
