/** Secrets to plant, every spelling of them, and a search of an archive that knows nothing of how it was made. */

import { readFileSync } from 'node:fs';
import { inflateRawSync } from 'node:zlib';

/** A secret and where it was planted. */
export interface Secret {
  readonly place: string;
  readonly value: string;
}

/** Every spelling that no byte of a public archive may hold. */
function spellings(value: string): string[] {
  const bytes = Buffer.from(value);
  const hex = bytes.toString('hex');
  const all = [value, value.toUpperCase(), encodeURIComponent(value), hex];
  for (const pad of [0, 1, 2]) {
    const encoded = Buffer.concat([Buffer.alloc(pad, 'x'), bytes]).toString('base64');
    // What neither the padding before nor what may follow can change.
    const core = encoded.slice(
      Math.ceil((pad * 8) / 6),
      Math.floor(((pad + bytes.length) * 8) / 6),
    );
    all.push(core, core.replaceAll('+', '-').replaceAll('/', '_'));
  }
  return [...new Set(all)];
}

/** The same, as a text may hold them: whole words, base64 with its padding. */
export function embeddings(value: string): string[] {
  const hex = Buffer.from(value).toString('hex');
  const percent = [...Buffer.from(value)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`);
  const base64 = ['', 'x', 'xy'].map((pad) => Buffer.from(pad + value).toString('base64'));
  return [
    value,
    value.toUpperCase(),
    encodeURIComponent(value),
    percent.join(''),
    hex,
    hex.toUpperCase(),
    ...base64,
    ...base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')),
  ];
}

/** Every entry of an archive, with what is inside once it is inflated. */
export function entriesOf(path: string): Map<string, Buffer> {
  const bytes = readFileSync(path);
  const end = bytes.lastIndexOf('PK\x05\x06');
  const entries = new Map<string, Buffer>();
  let at = bytes.readUInt32LE(end + 16);
  while (bytes.readUInt32LE(at) === 0x02014b50) {
    const [method, size] = [bytes.readUInt16LE(at + 10), bytes.readUInt32LE(at + 20)];
    const [name, extra, comment] = [28, 30, 32].map((offset) => bytes.readUInt16LE(at + offset));
    const local = bytes.readUInt32LE(at + 42);
    const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
    const body = bytes.subarray(start, start + size);
    const text = bytes.toString('utf8', at + 46, at + 46 + (name ?? 0));
    entries.set(text, method === 8 ? inflateRawSync(body) : body);
    at += 46 + (name ?? 0) + (extra ?? 0) + (comment ?? 0);
  }
  return entries;
}

/** Where secrets are found: in the bytes of the file, in names, in contents. */
export function leaks(path: string, secrets: readonly Secret[]): string[] {
  const places = [
    ['the file', readFileSync(path)] as const,
    ...[...entriesOf(path)].map(
      ([name, body]) => [name, Buffer.concat([Buffer.from(`${name}\n`), body])] as const,
    ),
  ].map(([name, bytes]) => [name, bytes.toString('latin1').toLowerCase()] as const);
  const found: string[] = [];
  for (const { place, value } of secrets) {
    for (const spelling of spellings(value)) {
      const wanted = Buffer.from(spelling).toString('latin1').toLowerCase();
      for (const [name, text] of places) {
        if (text.includes(wanted)) found.push(`${place} in ${name}: ${spelling}`);
      }
    }
  }
  return found;
}

/** The records of artwork.json in a dump. */
export function works(archive: string): Record<string, unknown>[] {
  const json = entriesOf(archive).get('artwork.json')?.toString() ?? '';
  return JSON.parse(json) as Record<string, unknown>[];
}
