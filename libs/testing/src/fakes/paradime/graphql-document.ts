import { GraphqlRefusal } from './graphql-refusal.js';

/** Value of an argument: a variable, or a constant. */
export type GraphqlValue = { readonly variable: string } | { readonly constant: unknown };

/** A field that was asked for. */
export interface Selection {
  readonly name: string;
  readonly args: ReadonlyMap<string, GraphqlValue>;
  /** Fields of the object, or `undefined` for a scalar. */
  readonly fields: readonly Selection[] | undefined;
}

/** Declared variable, with its type as it was written, for example `Int!`. */
export interface VariableDefinition {
  readonly name: string;
  readonly type: string;
}

/** The operation of a request. */
export interface GraphqlOperation {
  readonly kind: 'query' | 'mutation';
  readonly variables: readonly VariableDefinition[];
  readonly fields: readonly Selection[];
}

const TOKEN =
  /[\s,]*(?:#[^\n]*[\s,]*)*(?:("(?:[^"\\\n]|\\.)*")|(-?\d+(?:\.\d+)?)|([A-Za-z_]\w*)|(\.\.\.|[{}()[\]:$!=@|&])|(.)|$)/sy;

/**
 * Parses a document with one operation. Aliases, fragments and directives are no part of it, because no client that is
 * known to Paradime's documentation uses them.
 *
 * @throws GraphqlRefusal for anything else
 */
export function parseOperation(text: string): GraphqlOperation {
  return new Parser(text).operation();
}

class Parser {
  readonly #tokens: readonly string[];
  #next = 0;

  constructor(text: string) {
    this.#tokens = [...text.matchAll(new RegExp(TOKEN, 'gs'))].map(([token]) => {
      return token.replace(/^[\s,]*(?:#[^\n]*[\s,]*)*/, '');
    });
  }

  operation(): GraphqlOperation {
    const kind = this.#peek() === '{' ? 'query' : this.#take();
    if (kind !== 'query' && kind !== 'mutation') throw this.#unexpected(kind);
    if (isName(this.#peek())) this.#take();
    const variables = this.#takes('(') ? this.#variables() : [];
    const fields = this.#fields();
    if (this.#peek() !== '') throw this.#unexpected(this.#peek());
    return { kind, variables, fields };
  }

  #variables(): VariableDefinition[] {
    const found: VariableDefinition[] = [];
    while (!this.#takes(')')) {
      this.#expect('$');
      const name = this.#name();
      this.#expect(':');
      found.push({ name, type: this.#type() });
    }
    return found;
  }

  #type(): string {
    let type: string;
    if (this.#takes('[')) {
      type = `[${this.#type()}]`;
      this.#expect(']');
    } else type = this.#name();
    return this.#takes('!') ? `${type}!` : type;
  }

  #fields(): Selection[] {
    this.#expect('{');
    const found: Selection[] = [];
    while (!this.#takes('}')) {
      const name = this.#name();
      const args = this.#takes('(') ? this.#args() : new Map<string, GraphqlValue>();
      found.push({ name, args, fields: this.#peek() === '{' ? this.#fields() : undefined });
    }
    if (found.length === 0) throw this.#unexpected('}');
    return found;
  }

  #args(): ReadonlyMap<string, GraphqlValue> {
    const found = new Map<string, GraphqlValue>();
    while (!this.#takes(')')) {
      const name = this.#name();
      this.#expect(':');
      found.set(name, this.#takes('$') ? { variable: this.#name() } : { constant: this.#constant() });
    }
    return found;
  }

  #constant(): unknown {
    if (this.#takes('[')) {
      const items: unknown[] = [];
      while (!this.#takes(']')) items.push(this.#constant());
      return items;
    }
    if (this.#takes('{')) {
      const fields: [string, unknown][] = [];
      while (!this.#takes('}')) {
        const name = this.#name();
        this.#expect(':');
        fields.push([name, this.#constant()]);
      }
      return Object.fromEntries(fields);
    }
    const token = this.#take();
    if (token.startsWith('"') || /^-?\d/.test(token) || ['true', 'false', 'null'].includes(token)) {
      return JSON.parse(token) as unknown;
    }
    throw this.#unexpected(token);
  }

  #peek(): string {
    return this.#tokens[this.#next] ?? '';
  }

  #take(): string {
    const token = this.#peek();
    this.#next += 1;
    return token;
  }

  #takes(token: string): boolean {
    const fits = this.#peek() === token;
    if (fits) this.#next += 1;
    return fits;
  }

  #expect(token: string): void {
    if (!this.#takes(token)) throw this.#unexpected(this.#peek());
  }

  #name(): string {
    const token = this.#take();
    if (!isName(token)) throw this.#unexpected(token);
    return token;
  }

  #unexpected(token: string): GraphqlRefusal {
    return new GraphqlRefusal(`Syntax Error: Unexpected ${token === '' ? '<EOF>' : JSON.stringify(token)}.`);
  }
}

function isName(token: string): boolean {
  return /^[A-Za-z_]\w*$/.test(token);
}
