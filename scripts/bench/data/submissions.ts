/** What people sent in, with the traces that it leaves: consent, audit, activity, decision, notification. */

import { sqlTime } from '../../demo/rows.js';
import type { Photo } from './photos.js';
import { minute, pickFrom, type Rows } from './rows.js';

export interface Submission {
  readonly type: 'new_artwork' | 'logbook_entry';
  readonly status: string;
  readonly artwork: string;
  readonly position?: { readonly lat: number; readonly lon: number };
  readonly photo?: Photo | undefined;
  /** JSON of the proposed fields. */
  readonly proposal?: string;
}

/** What every row of one submission says. */
interface Traced extends Submission {
  readonly id: string;
  readonly user: string;
  readonly moderator: string;
  readonly address: string;
  /** When it was sent, and when somebody had a look at it. */
  readonly sent: number;
  readonly reviewed: number;
}

export function makeSubmission(
  rows: Rows,
  n: number,
  users: readonly string[],
  submission: Submission,
): void {
  const sent = rows.time(n);
  const traced: Traced = {
    ...submission,
    id: rows.uuid(),
    user: pickFrom(users, n * 3 + rows.random.below(50)),
    moderator: pickFrom(users, 0),
    address: rows.words.address(),
    sent,
    reviewed: sent + 600 * minute,
  };
  insertSubmission(rows, n, traced);
  insertConsent(rows, traced);
  insertAudit(rows, n, traced);
  if (n % 2 === 0) insertActivity(rows, traced);
  if (submission.status !== 'pending') insertDecision(rows, traced);
  if (n % 6 === 0) insertNotification(rows, n, traced);
}

function insertSubmission(rows: Rows, n: number, what: Traced): void {
  const reviewed = what.status !== 'pending';
  rows.insert('submissions', {
    id: what.id,
    submission_type: what.type,
    user_token: what.user,
    email: n % 3 === 0 ? `person.${rows.random.hex(8)}@example.org` : null,
    submitter_name: n % 3 === 0 ? rows.words.name() : null,
    artwork_id: what.artwork,
    lat: what.position?.lat ?? null,
    lon: what.position?.lon ?? null,
    notes: rows.words.prose(rows.about(120)),
    photos: rows.reference(what.photo, 0),
    new_data: what.proposal ?? null,
    verification_status: 'unverified',
    status: what.status,
    reviewer_token: reviewed ? what.moderator : null,
    reviewed_at: reviewed ? sqlTime(what.reviewed) : null,
    ...rows.stamps(n),
  });
}

function insertConsent(rows: Rows, what: Traced): void {
  rows.insert('consent', {
    id: rows.uuid(),
    created_at: new Date(what.sent).toISOString(),
    user_id: what.user,
    consent_version: '2025-08-01.v2',
    content_type: what.type === 'new_artwork' ? 'artwork' : 'logbook',
    content_id: what.id,
    ip_address: what.address,
    // Everybody agreed to the same words.
    consent_text_hash: '4f1c0b7be1a1d7f6d7c27f1c7f9f6a0a5d8a5b8f3b2c4d1e6f7a8b9c0d1e2f30',
  });
}

function insertAudit(rows: Rows, n: number, what: Traced): void {
  const action = {
    old_data: { status: 'pending' },
    new_data: { status: what.status, reviewed_at: new Date(what.reviewed).toISOString() },
    metadata: {
      submission_type: what.type,
      artwork_id: what.artwork,
      title: rows.words.title(),
    },
  };
  rows.insert('audit_log', {
    id: rows.uuid(),
    action_type: `submission_${what.status}`,
    entity_type: 'submission',
    entity_id: what.id,
    user_token: what.user,
    moderator_token: what.moderator,
    action_data: JSON.stringify(action),
    reason: n % 8 === 0 ? rows.words.prose(60) : null,
    ip_address: what.address,
    created_at: sqlTime(what.reviewed),
  });
}

function insertActivity(rows: Rows, what: Traced): void {
  const metadata = { session: rows.random.hex(16), duration_ms: rows.random.below(900_000) };
  rows.insert('user_activity', {
    id: rows.uuid(),
    user_token: what.user,
    user_type: 'authenticated',
    activity_type: 'submission',
    entity_type: 'submission',
    entity_id: what.id,
    metadata: JSON.stringify(metadata),
    ip_address: what.address,
    user_agent: rows.words.agent(),
    created_at: sqlTime(what.sent),
  });
}

function insertDecision(rows: Rows, what: Traced): void {
  rows.insert('moderation_decisions', {
    id: rows.uuid(),
    submission_id: what.id,
    moderator_uuid: what.moderator,
    decision: what.status,
    artwork_id: what.artwork,
    action_taken: what.type === 'new_artwork' ? 'create_new' : 'link_existing',
    photos_processed: what.photo === undefined ? 0 : 1,
    created_at: sqlTime(what.reviewed),
  });
}

function insertNotification(rows: Rows, n: number, what: Traced): void {
  rows.insert('notifications', {
    id: rows.uuid(),
    user_token: what.user,
    type: 'review',
    type_key: `submission_${what.status}`,
    title: 'Your submission was reviewed',
    message: rows.words.prose(80),
    metadata: JSON.stringify({ submission_id: what.id }),
    created_at: sqlTime(what.reviewed),
    is_dismissed: n % 4 === 0 ? 1 : 0,
    related_id: what.id,
  });
}
