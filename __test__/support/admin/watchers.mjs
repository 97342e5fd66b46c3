/** Preloaded into a service: at SIGUSR2 it tells how many watchers its jobs have. */

import { EventEmitter } from 'node:events';
import process from 'node:process';

const watched = new Map();
const { on } = EventEmitter.prototype;
EventEmitter.prototype.on = function (name, listener) {
  if (/^[0-9a-f-]{36}$/.test(String(name))) watched.set(name, this);
  return on.call(this, name, listener);
};

process.on('SIGUSR2', () => {
  const counts = [...watched].map(([name, emitter]) => emitter.listenerCount(name));
  process.stdout.write(`${JSON.stringify({ watchers: counts.reduce((a, b) => a + b, 0) })}\n`);
});
