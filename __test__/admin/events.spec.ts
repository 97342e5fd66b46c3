/** A job's events, to everybody who listens for as long as it runs. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { folder, root } from '../support';
import { bearer } from '../support/admin/callers';
import { Client, type Job } from '../support/admin/client';
import { people } from '../support/admin/people';
import { type Service, serveStandIn } from '../support/admin/service';
import { surroundings } from '../support/admin/surroundings';

const environment = surroundings();

describe("a job's events", () => {
  const never = join(root, 'no-such-file');
  const watchers = join(root, '__test__', 'support', 'admin', 'watchers.mjs');

  async function saidBy(service: Service, words: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = words.exec(service.output());
      if (found !== null) return found;
      await sleep(20);
    }
  }

  /** Its jobs go on until there is the file `end`. */
  async function started(
    end: string,
    more: Readonly<Record<string, string>> = {},
  ): Promise<Client> {
    const plan = join(folder(), 'plan.json');
    writeFileSync(plan, JSON.stringify({ until: end }));
    const service = await serveStandIn(environment({ STAND_IN_PLAN: plan, ...more }));
    return new Client(service, people.roleAdmin);
  }

  interface Told {
    readonly type: string | null;
    readonly text: string;
    readonly jobs: Job[];
  }

  /** The events of jobs, the last of which may not have come whole. */
  function framesIn(text: string): string[] {
    return text.split('\n\n').filter((frame) => frame.startsWith('event: job\n'));
  }

  /** Reads a stream to its end, and tells how many events it has heard. */
  async function listen(
    client: Client,
    id: string,
    onHeard: (count: number) => void = () => undefined,
  ): Promise<Told> {
    const url = `${client.service.url}/api/admin/jobs/${id}/events`;
    const response = await fetch(url, { headers: bearer(people.permissionAdmin) });
    let text = '';
    const pieces = response.body?.pipeThrough(new TextDecoderStream()) ?? [];
    for await (const piece of pieces as AsyncIterable<string>) {
      text += piece;
      onHeard(framesIn(text).length);
    }
    const frames = framesIn(text);
    const jobs = frames.map((frame) => JSON.parse(frame.replace('event: job\ndata: ', '')) as Job);
    return { type: response.headers.get('content-type'), text, jobs };
  }

  it('tell how far it is and end with how it ended, to everybody who listens', async () => {
    const end = join(folder(), 'end');
    const client = await started(end);
    const { data } = await client.generate();
    const heard = [0, 0, 0];
    const listeners = await Promise.all(
      heard.map((_, nth) =>
        listen(client, data.job_id, (count) => {
          heard[nth] = count;
          if (heard.every((each) => each > 4)) writeFileSync(end, '');
        }),
      ),
    );
    for (const { type, text, jobs } of listeners) {
      expect(type).toContain('text/event-stream');
      expect(jobs.length).toBeGreaterThan(3);
      expect(jobs.slice(0, -1).every(({ state }) => state === 'running')).toBe(true);
      for (const phase of new Set(jobs.map(({ progress }) => progress?.phase))) {
        const of = jobs.filter(({ progress }) => progress?.phase === phase);
        const bytes = of.map(({ progress }) => progress?.bytes ?? 0);
        expect(bytes).toEqual([...bytes].sort((a, b) => a - b));
      }
      expect(jobs.at(-1)).toEqual(await client.job(data.job_id));
      for (const id of Object.values(people)) expect(text).not.toContain(id);
    }
    // Who comes late hears the end at once.
    const { jobs } = await listen(client, data.job_id);
    expect(jobs.map(({ state }) => state)).toEqual([(await client.job(data.job_id)).state]);
  });

  it('end when it is cancelled', async () => {
    const client = await started(never);
    const { data } = await client.generate();
    const listening = listen(client, data.job_id);
    await client.until(data.job_id, ({ progress }) => progress !== null);
    expect((await client.ask('DELETE', `jobs/${data.job_id}`)).status).toBeLessThan(300);
    expect((await listening).jobs.at(-1)?.state).toBe('cancelled');
  });

  // The signal that asks for the count is one of POSIX.
  (process.platform === 'win32' ? it.skip : it)(
    'leave nobody behind who only asked for their head',
    async () => {
      const client = await started(never, { NODE_OPTIONS: `--import=${watchers}` });
      const { data } = await client.generate();
      const url = `${client.service.url}/api/admin/jobs/${data.job_id}/events`;
      for (let times = 0; times < 10; times += 1) {
        const head = await fetch(url, { method: 'HEAD', headers: bearer(people.roleAdmin) });
        expect(head.status).toBe(200);
        expect(head.headers.get('content-type')).toContain('text/event-stream');
      }
      client.service.child.kill('SIGUSR2');
      const said = await saidBy(client.service, /"watchers":(\d+)/);
      expect(said[1]).toBe('0');
    },
  );

  it('do not hold up a service that is told to stop', async () => {
    const client = await started(never);
    const { data } = await client.generate();
    const listening = listen(client, data.job_id).catch(() => undefined);
    await client.until(data.job_id, ({ progress }) => progress !== null);
    expect(await client.service.stop('SIGTERM')).toBe(0);
    await listening;
  });
});
