// eslint-disable-next-line typescript/triple-slash-reference -- builds that start at another file need the declaration, too
/// <reference path="./class-transformer-storage.d.ts" />
import 'reflect-metadata';
import { TransformationType } from 'class-transformer';
import { defaultMetadataStorage as transformed } from 'class-transformer/cjs/storage.js';
import { getMetadataStorage, ValidationTypes } from 'class-validator';
import { define } from './json-reader.js';
import { LIMITS } from '../limits.js';

/** Class of a payload, or of an object in it. */
export type PayloadClass<T extends object = object> = new () => T;

export type Check = (value: unknown) => boolean;

type Rule = ReturnType<ReturnType<typeof getMetadataStorage>['getTargetValidationMetadatas']>[number];

type Condition = (object: object, value: unknown) => boolean;

/** The check of a field decorator. */
export interface FieldCheck {
  readonly isValid: Check;
  /** Absent if the decorator only restricts a field that another decorator declares. */
  readonly declares?: Declaration;
}

/** Declaration of a field, as class-transformer knows it. */
interface Declaration {
  readonly type: unknown;
  readonly transform: unknown;
  readonly content: Content;
}

/** Content of a field: an object or an array of objects of a class, or a value that is converted. */
type Content = { readonly dto: () => PayloadClass } | { readonly read: (value: unknown) => unknown };

interface PlannedField {
  readonly name: string;
  readonly content: Content;
  readonly checks: readonly Check[];
  /** Conditions of `@IsOptional()` and `@ValidateIf()`. The field is validated only if all return true. */
  readonly conditions: readonly Condition[];
}

/** Fields of a class in the order of class-transformer, or `null` for a class that has other decorators as well. */
type Plan = readonly PlannedField[] | null;

const CHECK = Symbol('check of a field decorator');
const PLAN = Symbol('plan of a payload class');

/** Attaches a check to the class by which class-validator knows it. */
export function attachCheck(constraint: object, check: FieldCheck): void {
  Reflect.defineMetadata(CHECK, check, constraint);
}

function checkOf(constraint: object): FieldCheck | undefined {
  return Reflect.getOwnMetadata(CHECK, constraint) as FieldCheck | undefined;
}

/**
 * Returns the instance that class-transformer creates if class-validator finds no error in it. This is faster, because it
 * words no errors. Returns `undefined` if a value may have an error, and for a class that has other decorators than field
 * decorators, `@IsOptional()` and `@ValidateIf()`. Decorators that are added after the first use of a class are ignored.
 */
export function takeValid<T extends object>(dto: PayloadClass<T>, value: unknown): T | undefined {
  const plan = planOf(dto);
  if (plan === null || !isPlainObject(value)) return undefined;
  const payload = new dto();
  const taken = payload as Record<string, unknown>;
  let doubtful: PlannedField[] | undefined;
  for (const field of plan) {
    const sent = value[field.name];
    const { content } = field;
    const found = 'dto' in content ? takeNested(field, content.dto, sent) : content.read(sent);
    if (found !== undefined) taken[field.name] = found;
    else if (sent !== undefined) return undefined;
    if (!passes(field, found)) (doubtful ??= []).push(field);
  }
  // Conditions can use other fields of the instance, so they run when it has all of them.
  if (doubtful?.some((field) => !isExcused(field, payload)) === true) return undefined;
  return takeUndeclared(taken, value) ? payload : undefined;
}

function takeNested(field: PlannedField, dto: () => PayloadClass, sent: unknown): unknown {
  if (sent === undefined || sent === null) return sent;
  if (!passes(field, sent)) return undefined;
  if (!Array.isArray(sent)) return takeValid(dto(), sent);
  const items: object[] = [];
  for (const item of sent as unknown[]) {
    const taken = takeValid(dto(), item);
    if (taken === undefined) return undefined;
    items.push(taken);
  }
  return items;
}

function passes({ checks }: PlannedField, value: unknown): boolean {
  for (const isValid of checks) if (!isValid(value)) return false;
  return true;
}

/** Returns whether an invalid value is not validated, for example `null` of an optional field. */
function isExcused({ name, conditions }: PlannedField, payload: object): boolean {
  const value = (payload as Record<string, unknown>)[name];
  if (typeof value === 'symbol' || (typeof value === 'object' && value !== null)) return false;
  return conditions.some((isValidated) => !isValidated(payload, value));
}

/** Defines the fields without a decorator. Returns false if one contains a symbol of `parseJson`, which needs a note. */
function takeUndeclared(taken: object, sent: Readonly<Record<string, unknown>>): boolean {
  for (const name of Object.keys(sent)) {
    if (Object.hasOwn(taken, name)) continue;
    const value = sent[name];
    if (!isSure(value, 1)) return false;
    define(taken, name, value);
  }
  return true;
}

function isSure(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return typeof value !== 'symbol';
  if (depth > LIMITS.jsonDepthMax) return false;
  if (Array.isArray(value)) return value.every((item) => isSure(item, depth + 1));
  for (const member of Object.values(value)) if (!isSure(member, depth + 1)) return false;
  return true;
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function planOf(dto: PayloadClass): Plan {
  let plan = Reflect.getOwnMetadata(PLAN, dto) as Plan | undefined;
  if (plan === undefined) {
    plan = makePlan(dto);
    Reflect.defineMetadata(PLAN, plan, dto);
  }
  return plan;
}

function makePlan(dto: PayloadClass): Plan {
  const rules = getMetadataStorage().getTargetValidationMetadatas(dto, '', false, false);
  const names = new Set(transformed.getExposedProperties(dto, TransformationType.PLAIN_TO_CLASS));
  const isExclusive = transformed.getStrategy(dto) !== 'none' || transformed.getExcludedMetadatas(dto).length > 0;
  // A field with an initial value, or with an accessor, is not simply absent if it was not sent.
  const hasOwnFields = Reflect.ownKeys(new dto()).length > 0 || [...names].some((name) => name in dto.prototype);
  if (names.size === 0 || isExclusive || hasOwnFields) return null;
  if (rules.some(({ propertyName }) => !names.has(propertyName))) return null;
  const fields: PlannedField[] = [];
  for (const name of names) {
    const own = rules.filter(({ propertyName }) => propertyName === name);
    const field = planField(dto, name, own);
    if (field === undefined) return null;
    fields.push(field);
  }
  return fields;
}

/** Returns `undefined` for a field that has other decorators as well. */
function planField(dto: PayloadClass, name: string, rules: readonly Rule[]): PlannedField | undefined {
  const checks: FieldCheck[] = [];
  const conditions: Condition[] = [];
  let nested = 0;
  for (const rule of rules) {
    if (rule.each || rule.always || rule.validateIf || rule.groups?.length > 0) return undefined;
    const check = rule.type === ValidationTypes.CUSTOM_VALIDATION ? checkOf(rule.constraintCls) : undefined;
    if (check) checks.push(check);
    else if (rule.type === ValidationTypes.CONDITIONAL_VALIDATION) conditions.push(rule.constraints[0] as Condition);
    else if (rule.type === ValidationTypes.NESTED_VALIDATION) nested += 1;
    else return undefined;
  }
  const [declared, ...others] = checks.flatMap(({ declares }) => declares ?? []);
  if (declared === undefined || others.length > 0 || !isTransformedBy(declared, dto, name)) return undefined;
  if (nested !== ('dto' in declared.content ? 1 : 0) || (nested > 0 && checks.length > 1)) return undefined;
  return { name, content: declared.content, checks: checks.map(({ isValid }) => isValid), conditions };
}

/** Returns whether class-transformer knows this declaration of a field, and nothing else about the field. */
function isTransformedBy({ type, transform }: Declaration, dto: PayloadClass, name: string): boolean {
  const typed = transformed.findTypeMetadata(dto, name);
  const made = transformed.findTransformMetadatas(dto, name, TransformationType.PLAIN_TO_CLASS);
  const { options } = transformed.findExposeMetadata(dto, name);
  return (
    typed?.typeFunction === type &&
    made.length === 1 &&
    made[0]?.transformFn === transform &&
    Object.keys(options).length === 0 &&
    !isCollection(typed.reflectedType)
  );
}

/** Returns whether class-transformer creates an instance of a field's type, such as `Set`, instead of an array. */
function isCollection(type: unknown): boolean {
  if (typeof type !== 'function' || type === Array) return false;
  return ['add', 'push', 'set'].some((method) => method in (type.prototype as object));
}
