/** Reads what a request carries, up to a cap, and checks what it says. */

import type { IncomingMessage } from 'node:http';

import * as v from 'valibot';

import { invalid, Problem } from '../envelope.js';
import { largestBody } from '../signature.js';

/** The body of a request; `incoming` is what it came by, where a server of Node's has taken it. */
export async function readBody(
  request: Request,
  incoming: IncomingMessage | undefined,
): Promise<Uint8Array> {
  if (Number(request.headers.get('content-length') ?? 0) > largestBody) throw tooLarge();
  // Asked first: whoever looks at the body begins to read it.
  const isTaken = isRead(request, incoming);
  if (request.body === null) return new Uint8Array();
  if (isTaken) throw alreadyRead();
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) {
      size += chunk.length;
      if (size > largestBody) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof Problem) throw error;
    // The connection broke: nobody hears of it, and nothing of ours is at fault.
    throw invalid([{ field: 'body', message: 'It ended before all of it came', code: 'cut_body' }]);
  }
  return Buffer.concat(chunks);
}

/** A body that is JSON of a shape; an empty one counts as `{}`. */
export function parseBody<T extends v.GenericSchema>(
  schema: T,
  body: Uint8Array,
): v.InferOutput<T> {
  const text = Buffer.from(body).toString('utf8').trim();
  let value: unknown;
  try {
    value = text === '' ? {} : JSON.parse(text);
  } catch {
    throw invalid([{ field: 'body', message: 'It is not JSON', code: 'invalid_json' }]);
  }
  // An array is an object without members, to the library.
  return check(schema, Array.isArray(value) ? null : value);
}

/** Holds a value against a shape. Messages name fields and never repeat what was sent. */
export function check<T extends v.GenericSchema>(schema: T, value: unknown): v.InferOutput<T> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  throw invalid(
    result.issues.map((issue) => ({
      field: v.getDotPath(issue) ?? 'body',
      message: messageOf(issue),
      code: `invalid_${issue.type}`,
    })),
  );
}

/** The library's own messages repeat what was sent, except where we wrote them. */
function messageOf({ type, expected, message }: v.BaseIssue<unknown>): string {
  if (type === 'regex') return message;
  return expected === 'never' ? 'There is no such option' : `It must be ${expected ?? 'different'}`;
}

/** Whether what the service is mounted in has read a body before. */
function isRead({ headers, bodyUsed }: Request, incoming: IncomingMessage | undefined): boolean {
  if (bodyUsed) return true;
  const hasBody =
    Number(headers.get('content-length') ?? 0) > 0 || headers.has('transfer-encoding');
  if (!hasBody || incoming?.readableDidRead !== true) return false;
  // Of a host that keeps its bytes there, as Google's functions do, it is taken.
  return !('rawBody' in incoming && Buffer.isBuffer(incoming.rawBody));
}

/** What is left of it looks like no body at all, which may mean the opposite: `publish: false` would publish. */
function alreadyRead(): Problem {
  const message =
    'The body was read before it came here: mount the service before what reads bodies, such as `express.json()`';
  return new Problem(500, 'INTERNAL_ERROR', message);
}

function tooLarge(): Problem {
  return new Problem(413, 'PAYLOAD_TOO_LARGE', 'The request is too large');
}
