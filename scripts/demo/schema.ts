/**
 * The tables of the platform's second generation as they stand in a D1 file, with the constraints that a backup must
 * carry: checks on ids, cascades, partial indexes, an AUTOINCREMENT, and D1's own tables beside them.
 */

/** A column that holds a UUID. */
const uuid = (column: string, rest = ''): string =>
  `${column} TEXT ${rest} CHECK (${column} IS NULL OR (length(${column}) = 36 AND ${column} LIKE '________-____-____-____-____________'))`;
const id = uuid('id', 'PRIMARY KEY');
const oneOf = (column: string, words: string): string =>
  `CHECK (${column} IN (${words
    .split(' ')
    .map((word) => `'${word}'`)
    .join(', ')}))`;
const madeAt = "created_at TEXT NOT NULL DEFAULT (datetime('now'))";
const changedAt = "updated_at TEXT NOT NULL DEFAULT (datetime('now'))";
const flag = (column: string, value: 0 | 1): string =>
  `${column} INTEGER NOT NULL DEFAULT ${value} CHECK (${column} IN (0, 1))`;

const tables: Record<string, string[]> = {
  artwork: [
    id,
    'title TEXT, description TEXT, lat REAL NOT NULL, lon REAL NOT NULL, tags TEXT, photos TEXT',
    `status TEXT NOT NULL DEFAULT 'pending' ${oneOf('status', 'pending approved rejected')}`,
    madeAt,
    changedAt,
    'created_by TEXT',
  ],
  artists: [
    id,
    'name TEXT NOT NULL, description TEXT, aliases TEXT, tags TEXT, photos TEXT',
    `status TEXT NOT NULL DEFAULT 'pending' ${oneOf('status', 'pending approved rejected')}`,
    madeAt,
    changedAt,
  ],
  artwork_artists: [
    uuid('artwork_id', 'NOT NULL REFERENCES artwork (id) ON DELETE CASCADE'),
    uuid('artist_id', 'NOT NULL REFERENCES artists (id) ON DELETE CASCADE'),
    `role TEXT NOT NULL DEFAULT 'primary' ${oneOf('role', 'primary collaborator credited')}`,
    madeAt,
    'PRIMARY KEY (artwork_id, artist_id)',
  ],
  users: [
    uuid('uuid', 'PRIMARY KEY'),
    'email TEXT NOT NULL UNIQUE',
    madeAt,
    'last_login TEXT, email_verified_at TEXT',
    `status TEXT ${oneOf('status', 'active suspended')}`,
    'profile_name TEXT CHECK (profile_name IS NULL OR length(profile_name) BETWEEN 3 AND 20)',
    'clerk_user_id TEXT',
  ],
  submissions: [
    id,
    `submission_type TEXT NOT NULL ${oneOf('submission_type', 'logbook_entry artwork_edit artist_edit new_artwork new_artist')}`,
    'user_token TEXT NOT NULL, email TEXT, submitter_name TEXT',
    uuid('artwork_id', 'REFERENCES artwork (id) ON DELETE CASCADE'),
    uuid('artist_id', 'REFERENCES artists (id) ON DELETE CASCADE'),
    'lat REAL, lon REAL, notes TEXT, photos TEXT, tags TEXT, old_data TEXT, new_data TEXT',
    `verification_status TEXT ${oneOf('verification_status', 'pending verified unverified')}`,
    `status TEXT NOT NULL DEFAULT 'pending' ${oneOf('status', 'pending approved rejected')}`,
    'reviewer_token TEXT, review_notes TEXT, reviewed_at TEXT',
    madeAt,
    changedAt,
  ],
  magic_links: [
    'token TEXT PRIMARY KEY, email TEXT NOT NULL',
    uuid('user_uuid', 'REFERENCES users (uuid) ON DELETE CASCADE'),
    madeAt,
    'expires_at TEXT NOT NULL, used_at TEXT, ip_address TEXT, user_agent TEXT',
    'is_signup BOOLEAN NOT NULL DEFAULT FALSE',
  ],
  rate_limiting: [
    `identifier TEXT NOT NULL, identifier_type TEXT NOT NULL ${oneOf('identifier_type', 'email ip')}`,
    'request_count INTEGER NOT NULL DEFAULT 0, window_start TEXT NOT NULL, last_request_at TEXT NOT NULL',
    'blocked_until TEXT, PRIMARY KEY (identifier, identifier_type)',
  ],
  auth_sessions: [
    id,
    uuid('user_uuid', 'NOT NULL REFERENCES users (uuid) ON DELETE CASCADE'),
    'token_hash TEXT NOT NULL',
    madeAt,
    'last_accessed_at TEXT NOT NULL, expires_at TEXT, ip_address TEXT, user_agent TEXT',
    'is_active BOOLEAN NOT NULL DEFAULT TRUE, device_info TEXT',
  ],
  consent: [
    id,
    'created_at TEXT NOT NULL',
    uuid('user_id', 'REFERENCES users (uuid) ON DELETE CASCADE'),
    'anonymous_token TEXT, consent_version TEXT NOT NULL',
    `content_type TEXT NOT NULL ${oneOf('content_type', 'artwork logbook')}`,
    'content_id TEXT NOT NULL, ip_address TEXT NOT NULL, consent_text_hash TEXT NOT NULL',
  ],
  audit_log: [
    id,
    'action_type TEXT NOT NULL, entity_type TEXT NOT NULL, entity_id TEXT NOT NULL, user_token TEXT NOT NULL',
    'moderator_token TEXT, action_data TEXT, reason TEXT, ip_address TEXT, user_agent TEXT',
    madeAt,
  ],
  user_activity: [
    id,
    'user_token TEXT NOT NULL, user_type TEXT NOT NULL, activity_type TEXT NOT NULL, entity_type TEXT',
    'entity_id TEXT, metadata TEXT, ip_address TEXT, user_agent TEXT',
    madeAt,
  ],
  user_roles: [
    id,
    `user_token TEXT NOT NULL, role TEXT NOT NULL ${oneOf('role', 'admin moderator user banned')}`,
    "granted_by TEXT NOT NULL, granted_at TEXT NOT NULL DEFAULT (datetime('now')), revoked_at TEXT",
    'revoked_by TEXT, is_active INTEGER NOT NULL DEFAULT 1, notes TEXT, UNIQUE (user_token, role)',
  ],
  user_permissions: [
    'id INTEGER PRIMARY KEY AUTOINCREMENT, user_token TEXT NOT NULL, permission TEXT NOT NULL',
    'resource_type TEXT, resource_id TEXT, granted_by TEXT NOT NULL',
    "granted_at TEXT NOT NULL DEFAULT (datetime('now')), expires_at TEXT",
    'is_active INTEGER NOT NULL DEFAULT 1, notes TEXT, user_uuid TEXT',
    'UNIQUE (user_token, permission, resource_type, resource_id)',
  ],
  admin_actions: [
    'id TEXT PRIMARY KEY, admin_uuid TEXT NOT NULL, action_type TEXT NOT NULL, target_uuid TEXT',
    'permission_type TEXT, old_value TEXT, new_value TEXT, reason TEXT, metadata TEXT',
    madeAt,
  ],
  moderation_decisions: [
    'id TEXT PRIMARY KEY, submission_id TEXT, moderator_uuid TEXT NOT NULL, decision TEXT NOT NULL',
    'reason TEXT, metadata TEXT, artwork_id TEXT, action_taken TEXT, photos_processed INTEGER DEFAULT 0',
    madeAt,
  ],
  feedback: [
    `id TEXT PRIMARY KEY, subject_type TEXT NOT NULL ${oneOf('subject_type', 'artwork artist')}`,
    'subject_id TEXT NOT NULL, user_token TEXT',
    `issue_type TEXT NOT NULL ${oneOf('issue_type', 'missing incorrect_info other comment')}`,
    `note TEXT NOT NULL, status TEXT NOT NULL DEFAULT 'open' ${oneOf('status', 'open archived resolved')}`,
    'created_at TEXT NOT NULL, reviewed_at TEXT, moderator_token TEXT, review_notes TEXT',
    'ip_address TEXT, user_agent TEXT',
  ],
  notifications: [
    id,
    `user_token TEXT NOT NULL, type TEXT NOT NULL ${oneOf('type', 'badge admin_message review system')}`,
    'type_key TEXT, title TEXT NOT NULL, message TEXT, metadata TEXT',
    madeAt,
    flag('is_dismissed', 0),
    'related_id TEXT',
  ],
  lists: [
    id,
    'owner_user_id TEXT NOT NULL, name TEXT NOT NULL CHECK (length(trim(name)) BETWEEN 1 AND 255)',
    `visibility TEXT NOT NULL DEFAULT 'unlisted' ${oneOf('visibility', 'unlisted private')}`,
    flag('is_readonly', 0),
    flag('is_system_list', 0),
    madeAt,
    changedAt,
  ],
  list_items: [
    id,
    'list_id TEXT NOT NULL REFERENCES lists (id) ON DELETE CASCADE',
    'artwork_id TEXT NOT NULL REFERENCES artwork (id) ON DELETE CASCADE',
    'added_by_user_id TEXT',
    madeAt,
    'UNIQUE (list_id, artwork_id)',
  ],
  badges: [
    id,
    'badge_key TEXT NOT NULL UNIQUE, title TEXT NOT NULL, description TEXT NOT NULL, icon_emoji TEXT NOT NULL',
    `category TEXT NOT NULL ${oneOf('category', 'activity community seasonal geographic')}`,
    `threshold_type TEXT NOT NULL ${oneOf('threshold_type', 'submission_count photo_count account_age email_verified')}`,
    'threshold_value INTEGER, level INTEGER DEFAULT 1, is_active BOOLEAN NOT NULL DEFAULT TRUE',
    madeAt,
    changedAt,
  ],
  user_badges: [
    id,
    uuid('user_uuid', 'NOT NULL REFERENCES users (uuid) ON DELETE CASCADE'),
    uuid('badge_id', 'NOT NULL REFERENCES badges (id) ON DELETE CASCADE'),
    'awarded_at TEXT NOT NULL, award_reason TEXT NOT NULL, metadata TEXT, UNIQUE (user_uuid, badge_id)',
  ],
  social_media_schedules: [
    'id TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES users (uuid) ON DELETE CASCADE',
    'artwork_id TEXT REFERENCES artwork (id) ON DELETE SET NULL, scheduled_date TEXT NOT NULL',
    `social_type TEXT NOT NULL ${oneOf('social_type', 'bluesky instagram twitter facebook other')}`,
    `status TEXT NOT NULL DEFAULT 'scheduled' ${oneOf('status', 'scheduled posted failed')}`,
    'body TEXT NOT NULL, photos TEXT, last_attempt_at TEXT, error_message TEXT',
    madeAt,
  ],
  d1_migrations: [
    'id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE',
    'applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL',
  ],
  // D1 keeps this one for itself and refuses it in a restore: a backup leaves it out.
  _cf_METADATA: ['key INTEGER PRIMARY KEY, value BLOB'],
};

const indexes = [
  'INDEX artwork_by_status ON artwork (status, created_at DESC)',
  "INDEX artwork_by_type ON artwork (json_extract(tags, '$.artwork_type'))",
  'INDEX submissions_by_status ON submissions (status, submission_type)',
  'INDEX audit_log_by_entity ON audit_log (entity_type, entity_id)',
  'UNIQUE INDEX users_by_profile_name ON users (profile_name) WHERE profile_name IS NOT NULL',
  'UNIQUE INDEX users_by_clerk_id ON users (clerk_user_id) WHERE clerk_user_id IS NOT NULL',
  'INDEX unread_notifications ON notifications (user_token) WHERE is_dismissed = 0',
];

/** The whole schema as one script. */
export const schema = [
  ...Object.entries(tables).map(
    ([name, columns]) => `CREATE TABLE "${name}" (\n  ${columns.join(',\n  ')}\n);`,
  ),
  ...indexes.map((index) => `CREATE ${index};`),
].join('\n');
