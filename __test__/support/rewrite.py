"""Rewrites an archive as somebody might who has nothing but Python: rewrite.py IN OUT, with JSON on stdin:

{"replace": {name: text}, "substitute": {name: [[from, to], …]}, "delete": [name], "rename": {name: name},
 "add": {name: text}, "link": {name: target}, "sums": true to make SHA256SUMS right again,
 "comment": true to make the checksum in the comment right again}
"""

import hashlib
import json
import sys
import zipfile

source, target = sys.argv[1:]
changes = json.load(sys.stdin)
with zipfile.ZipFile(source) as archive:
    comment = archive.comment
    entries = [(info, archive.read(info)) for info in archive.infolist()]

there = {info.filename for info, _ in entries}
for change in ('replace', 'substitute', 'delete', 'rename'):
    assert there.issuperset(changes.get(change, [])), changes

kept = []
for info, content in entries:
    name = info.filename
    if name in changes.get('delete', []):
        continue
    if name in changes.get('replace', {}):
        content = changes['replace'][name].encode()
    for old, new in changes.get('substitute', {}).get(name, []):
        assert old.encode() in content, (name, old)
        content = content.replace(old.encode(), new.encode(), 1)
    kept.append((changes.get('rename', {}).get(name, name), content, info.compress_type, 0o100644))
for name, text in changes.get('add', {}).items():
    kept.append((name, text.encode(), zipfile.ZIP_DEFLATED, 0o100644))
for name, to in changes.get('link', {}).items():
    kept.append((name, to.encode(), zipfile.ZIP_STORED, 0o120777))
if changes.get('sums'):
    others = [(name, content) for name, content, *_ in kept if name != 'SHA256SUMS']
    sums = ''.join(f'{hashlib.sha256(content).hexdigest()}  {name}\n' for name, content in others).encode()
    kept = [(n, sums if n == 'SHA256SUMS' else c, m, a) for n, c, m, a in kept]
with zipfile.ZipFile(target, 'w') as archive:
    archive.comment = comment
    for name, content, method, mode in kept:
        info = zipfile.ZipInfo(name, (2026, 1, 2, 3, 4, 4))
        info.filename = name
        info.compress_type = method
        info.create_system = 3
        info.external_attr = mode << 16
        archive.writestr(info, content)
if changes.get('comment'):
    with open(target, 'r+b') as file:
        content = file.read()
        end = content.rindex(b'PK\x05\x06')
        # 22 bytes of end record, then the comment.
        file.seek(end + 22)
        file.write(f'sha256:{hashlib.sha256(content[:end]).hexdigest()}'.encode())
